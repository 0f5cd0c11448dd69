//! A real browser, driven over `WebDriver`: it is looked at through scripts and touched through its keyboard.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

/// Keys, as `WebDriver` writes them.
pub(crate) const TAB: &str = "\u{e004}";
pub(crate) const ENTER: &str = "\u{e007}";
pub(crate) const ESCAPE: &str = "\u{e00c}";

/// Longest that anything on a page is waited for.
const PATIENCE: Duration = Duration::from_secs(30);

/// One browser with one page; it ends when dropped.
pub(crate) struct Browser {
    client: reqwest::Client,
    session: String,
    port: u16,
    _driver: Child,
}

impl Drop for Browser {
    /// The browser is the driver's child and would outlive it, so it is asked to go first, and waited for.
    fn drop(&mut self) {
        let path = self.session.rsplit_once("/session/").map_or("", |(_, id)| id);
        let ask = format!("DELETE /session/{path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n");
        let asked = TcpStream::connect(("127.0.0.1", self.port)).and_then(|mut driver| {
            driver.set_read_timeout(Some(PATIENCE))?;
            driver.write_all(ask.as_bytes())?;
            driver.read(&mut [0; 64])
        });
        drop(asked); // A driver that is gone already has taken nothing along that we could still end.
    }
}

impl Browser {
    /// A browser, or nothing on a machine that has none. Continuous integration must have one.
    pub(crate) async fn open() -> Option<Self> {
        let Ok(driver) = driver() else {
            assert!(!is_ci(), "install chromium and chromium-driver");
            return None;
        };
        let (driver, port) = started(driver).await;
        let client = sim::serve::plain_client().build().unwrap();
        let base = format!("http://127.0.0.1:{port}/session");
        let arguments = [
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--no-first-run",
            "--disable-background-networking",
        ];
        let wanted =
            json!({ "capabilities": { "alwaysMatch": { "goog:chromeOptions": { "args": arguments } } } });
        let opened = sent(client.post(&base).json(&wanted)).await;
        let session = format!("{base}/{}", opened["sessionId"].as_str().unwrap());
        Some(Self { client, session, port, _driver: driver })
    }

    async fn post(&self, command: &str, body: Value) -> Value {
        sent(self.client.post(format!("{}/{command}", self.session)).json(&body)).await
    }

    /// Goes to an address and waits until it is loaded.
    pub(crate) async fn go(&self, url: &str) {
        self.post("url", json!({ "url": url })).await;
    }

    /// The value of a JavaScript expression on the page.
    pub(crate) async fn value(&self, expression: &str) -> Value {
        self.post("execute/sync", json!({ "script": format!("return {expression}"), "args": [] })).await
    }

    /// The text of the element with this id, as far as it can be seen.
    pub(crate) async fn text(&self, id: &str) -> String {
        let text = self.value(&format!("document.getElementById('{id}')?.innerText ?? ''")).await;
        text.as_str().unwrap().to_owned()
    }

    /// Waits until an expression is true.
    pub(crate) async fn until(&self, expression: &str) {
        let began = Instant::now();
        while self.value(&format!("!!({expression})")).await != true {
            let seen = self.value("document.body.innerText").await;
            assert!(began.elapsed() < PATIENCE, "not so: {expression}\n{}", seen.as_str().unwrap());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Waits until the element with this id shows this text.
    pub(crate) async fn until_shows(&self, id: &str, text: &str) {
        self.until(&format!("document.getElementById('{id}')?.innerText.includes({})", json!(text))).await;
    }

    /// Types text and special keys.
    pub(crate) async fn keys(&self, keys: &str) {
        let strokes = keys.chars().flat_map(|key| {
            let key = key.to_string();
            [json!({ "type": "keyDown", "value": key }), json!({ "type": "keyUp", "value": key })]
        });
        let strokes: Vec<Value> = strokes.collect();
        self.post("actions", json!({ "actions": [{ "type": "key", "id": "keyboard", "actions": strokes }] }))
            .await;
    }

    /// Presses the tab key until the element that `selector` finds has the focus.
    pub(crate) async fn tab_to(&self, selector: &str) {
        let here = format!("document.activeElement?.matches({})", json!(selector));
        self.until(&format!("document.querySelector({})?.checkVisibility()", json!(selector))).await;
        for _ in 0..80 {
            if self.value(&here).await == true {
                return;
            }
            self.keys(TAB).await;
        }
        panic!("the keyboard does not reach {selector}");
    }

    /// What has the focus: its id.
    pub(crate) async fn focus(&self) -> String {
        self.value("document.activeElement?.id").await.as_str().unwrap_or_default().to_owned()
    }

    /// Makes the window this wide, in CSS pixels.
    pub(crate) async fn width(&self, width: u32) {
        let screen = json!({ "width": width, "height": 800, "deviceScaleFactor": 1, "mobile": true });
        self.post(
            "goog/cdp/execute",
            json!({ "cmd": "Emulation.setDeviceMetricsOverride", "params": screen }),
        )
        .await;
    }

    /// What the page reaches over the window's right edge with; empty if all is well.
    pub(crate) async fn overflowing(&self) -> Value {
        let outside = "[...document.querySelectorAll('body *')].filter((it) => !it.closest('.scroll, .unseen') \
            && it.checkVisibility() && it.getBoundingClientRect().right > innerWidth + 1).map((it) => it.id || it.tagName)";
        self.value(outside).await
    }
}

async fn sent(request: reqwest::RequestBuilder) -> Value {
    let answer: Value = request.send().await.unwrap().json().await.unwrap();
    assert!(answer["value"]["error"].is_null(), "{}", answer["value"]);
    answer["value"].clone()
}

fn driver() -> std::io::Result<Child> {
    let mut command = Command::new("chromedriver");
    command.arg("--port=0").stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    command.kill_on_drop(true).spawn()
}

/// The driver says which free port it took.
async fn started(mut driver: Child) -> (Child, u16) {
    let mut lines = BufReader::new(driver.stdout.take().unwrap()).lines();
    loop {
        let line = lines.next_line().await.unwrap().unwrap();
        let port =
            line.split_once("successfully on port ").map(|(_, port)| port.trim_end_matches('.').parse());
        if let Some(port) = port {
            return (driver, port.unwrap());
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "whether a browser may be missing is not configuration")]
fn is_ci() -> bool {
    std::env::var("CI").is_ok()
}
