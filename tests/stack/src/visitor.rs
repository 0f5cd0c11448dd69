//! A person in a browser: cookies, forms and the API, through the same doors as everybody.

use serde_json::{Value, json};

use crate::gateway::{Answer, Ask, answer};
use crate::{Stack, pump};

/// One browser.
#[derive(Clone)]
pub struct Visitor<'a> {
    stack: &'a Stack,
    cookies: Vec<(String, String)>,
}

impl<'a> Visitor<'a> {
    pub(crate) fn new(stack: &'a Stack) -> Self {
        Self { stack, cookies: Vec::new() }
    }

    /// Sends a request with this browser's cookies and keeps what it is given.
    pub async fn send(&mut self, ask: Ask) -> Answer {
        let mut ask = ask.header("x-requested-with", "settings");
        if !self.cookies.is_empty() {
            let pairs: Vec<String> =
                self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
            ask = ask.header("cookie", &pairs.join("; "));
        }
        let answer = answer(self.stack.app, &ask).await;
        for (_, line) in answer.headers.iter().filter(|(name, _)| name == "set-cookie") {
            let (name, value) = line.split(';').next().and_then(|pair| pair.split_once('=')).unwrap();
            self.cookies.retain(|(known, _)| known != name);
            if !value.is_empty() {
                self.cookies.push((name.to_owned(), value.to_owned()));
            }
        }
        answer
    }

    /// Connects Twenty with a key; signs in.
    pub async fn connect_twenty(&mut self, url: &str, key: &str) -> Answer {
        self.send(Ask::new("POST", "/connect/twenty").json(&json!({ "url": url, "key": key }))).await
    }

    /// Connects Whop with an account's key.
    pub async fn connect_whop(&mut self, key: &str) -> Answer {
        self.send(Ask::new("POST", "/connect/whop").json(&json!({ "key": key }))).await
    }

    /// Connects Whop by consent: follows the redirects that a browser follows.
    pub async fn consent(&mut self, account: Option<&str>) -> Answer {
        let query = account.map(|account| format!("?account={account}")).unwrap_or_default();
        let departure = self.send(Ask::new("GET", &format!("/connect/whop/oauth{query}"))).await;
        let Some(url) = departure.header("location") else { return departure };
        // Whop listens on loopback without TLS, and reading the machine's certificates is slow.
        let client = reqwest::Client::builder().tls_certs_only([]).no_proxy();
        let client = client.redirect(reqwest::redirect::Policy::none()).build().unwrap();
        let arrival = client.get(url).send().await.unwrap();
        let back = arrival.headers()["location"].to_str().unwrap().to_owned();
        let path = back.strip_prefix(&self.stack.url).expect("an address of ours").to_owned();
        self.send(Ask::new("GET", &path)).await
    }

    /// Asks the API; stops at errors.
    pub async fn graphql(&mut self, query: &str, variables: Value) -> Value {
        let answer = self.ask_graphql(query, variables).await;
        assert!(answer["errors"].is_null(), "{query}: {answer}");
        answer["data"].clone()
    }

    /// Asks the API; errors included.
    pub async fn ask_graphql(&mut self, query: &str, variables: Value) -> Value {
        let body = json!({ "query": query, "variables": variables });
        self.send(Ask::new("POST", "/graphql").json(&body)).await.json()
    }

    /// Starts a run and works off the queue until it is over; answers with the run.
    pub async fn sync(&mut self, kind: &str) -> Value {
        let started = self
            .graphql(
                "mutation($k: SyncKind!) { triggerWhopSync(kind: $k) { run { id } } }",
                json!({ "k": kind }),
            )
            .await;
        let id = started["triggerWhopSync"]["run"]["id"].clone();
        pump::drain(self.stack).await;
        self.run(&id).await
    }

    /// A run with its receipt.
    pub async fn run(&mut self, id: &Value) -> Value {
        let query = "query($id: ID!) { run(id: $id) { id kind state reason seconds balances whopCalls twentyCalls \
            percent streams { name seen written linked unchanged skipped { reason count } failed { reason count } } } }";
        self.graphql(query, json!({ "id": id })).await["run"].clone()
    }
}
