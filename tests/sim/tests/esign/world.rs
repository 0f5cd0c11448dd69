//! A street with the three providers, and a client that speaks plain HTTP.

use http::Method;
use serde_json::{Value, json};
use sim::clock::Clock;
use sim::esign::{Delivery, Esign, Template};
use sim::fault::Faults;
use sim::serve::plain_client;

pub(crate) const START_MS: i64 = 1_793_614_530_000;
pub(crate) const SECOND: i64 = 1_000;
pub(crate) const MINUTE: i64 = 60 * SECOND;
pub(crate) const HOUR: i64 = 60 * MINUTE;
pub(crate) const DAY: i64 = 24 * HOUR;
pub(crate) const ADA: &str = "ada@client.example";
pub(crate) const BO: &str = "bo@provider.example";

pub(crate) struct World {
    pub(crate) clock: Clock,
    pub(crate) faults: Faults,
    pub(crate) esign: Esign,
    client: reqwest::Client,
}

#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: http::HeaderMap,
    pub(crate) bytes: Vec<u8>,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.bytes)
            .unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&self.bytes)))
    }

    pub(crate) fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}", String::from_utf8_lossy(&self.bytes));
        self
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).unwrap_or_else(|| panic!("the header {name}")).to_str().unwrap()
    }
}

/// A template with two roles in order and one field.
pub(crate) fn agreement() -> Template {
    Template::new("Service agreement", &["Client", "Provider"], &["Amount"])
}

impl World {
    /// Time stands still, deliveries are collected, and every answer is held against its description.
    pub(crate) async fn start() -> Self {
        let clock = Clock::stepped(START_MS);
        let faults = Faults::default();
        let esign = Esign::start(clock.clone(), &faults, 0).await;
        esign.switch(|switches| {
            switches.delivery = Delivery::Collect;
            switches.check_answers = true;
        });
        let client = plain_client().redirect(reqwest::redirect::Policy::none()).build().unwrap();
        Self { clock, faults, esign, client }
    }

    pub(crate) fn later(&self, ms: i64) {
        self.clock.advance_ms(ms);
    }

    pub(crate) async fn call(
        &self,
        method: Method,
        url: &str,
        authorization: &str,
        body: Option<&Value>,
    ) -> Answer {
        let mut request = self.client.request(method, url).header("authorization", authorization);
        if let Some(body) = body {
            request = request.json(body);
        }
        finish(request).await
    }

    pub(crate) async fn get(&self, url: &str, authorization: &str) -> Answer {
        self.call(Method::GET, url, authorization, None).await
    }

    pub(crate) async fn post(&self, url: &str, authorization: &str, body: Value) -> Answer {
        self.call(Method::POST, url, authorization, Some(&body)).await
    }

    pub(crate) async fn form(&self, url: &str, fields: &[(&str, &str)]) -> Answer {
        finish(self.client.post(url).form(fields)).await
    }

    /// A form with a file; `fields` are text parts.
    pub(crate) async fn upload(
        &self,
        url: &str,
        authorization: &str,
        file: (&str, &[u8]),
        fields: &[(&str, &str)],
    ) -> Answer {
        let mut body = Vec::new();
        for (name, value) in fields {
            body.extend(
                format!("--edge\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
                    .into_bytes(),
            );
        }
        let head = format!(
            "--edge\r\nContent-Disposition: form-data; name=\"{}\"; filename=\"agreement.pdf\"\r\n\
             Content-Type: application/pdf\r\n\r\n",
            file.0
        );
        body.extend(head.into_bytes());
        body.extend(file.1);
        body.extend(b"\r\n--edge--\r\n");
        let request = self.client.post(url).header("authorization", authorization);
        finish(request.header("content-type", "multipart/form-data; boundary=edge").body(body)).await
    }

    pub(crate) fn assert_clean(&self) {
        assert!(self.esign.violations().is_empty(), "{:#?}", self.esign.violations());
    }
}

async fn finish(request: reqwest::RequestBuilder) -> Answer {
    let answer = request.send().await.expect("an answer");
    let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
    Answer { status, headers, bytes: answer.bytes().await.expect("a whole answer").to_vec() }
}

/// The names of the events in a basket.
pub(crate) fn events(deliveries: &[sim::esign::SignedDelivery]) -> Vec<String> {
    deliveries.iter().map(|delivery| delivery.event.clone()).collect()
}

pub(crate) fn empty() -> Value {
    json!({})
}
