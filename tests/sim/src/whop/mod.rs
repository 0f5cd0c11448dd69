//! A stateful stand-in for Whop: OAuth, the REST API at version 2026-10-15-1, and signed webhooks, over one
//! set of books that tests and the console change. It knows nothing of the product's types.
#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss,
    reason = "chance and times of this world fit every integer they meet"
)]
#![expect(
    clippy::struct_excessive_bools,
    clippy::format_collect,
    clippy::unnecessary_wraps,
    reason = "flat and plain is enough for a stand-in"
)]

mod api;
mod books;
mod console;
mod events;
mod handle;
mod hooks;
mod html;
mod ids;
mod life;
mod money;
mod moves;
mod oauth;
mod records;
mod render;
mod render_people;
mod render_sales;
mod sales;
mod samples;
mod seed;
mod seed_sales;
mod strange;
mod table;
mod world;

use std::sync::{Arc, Mutex, MutexGuard, OnceLock};
use std::time::Duration;

use axum::Router;
use axum::routing::{any, get, post};
use futures_util::future::join_all;
use http::{Method, StatusCode, Uri};

pub use events::sign;
pub use handle::{App, Whop};
pub use hooks::SignedDelivery;
pub use sales::NewVariant;
pub use world::{Delivery, Rights, Switches, VERSION};

use crate::clock::Clock;
use crate::fault::Faults;
use crate::serve::plain_client;
use hooks::{Message, Outcome};
use world::World;

/// How many deliveries are on their way at once.
const AT_ONCE: usize = 16;

/// What the handlers share.
struct Sim {
    clock: Clock,
    world: Mutex<World>,
    sender: reqwest::Client,
    url: OnceLock<String>,
}

impl Sim {
    fn new(clock: Clock) -> Self {
        let sender =
            plain_client().redirect(reqwest::redirect::Policy::none()).build().expect("a plain HTTP client");
        Self { clock, world: Mutex::default(), sender, url: OnceLock::new() }
    }

    fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().expect("no handler panics while it holds the books")
    }

    fn url(&self) -> String {
        self.url.get().cloned().unwrap_or_default()
    }

    /// Posts a message as it is now signed, and tells what came of it.
    async fn post(&self, message: &Message) -> Outcome {
        let (signed, timeout) = {
            let world = self.world();
            let signed = world.signed(message, self.clock.now_ms());
            (signed, world.switches.webhook_timeout)
        };
        let began = tokio::time::Instant::now();
        let mut request = self.sender.post(&signed.url).timeout(timeout).body(signed.body);
        for (name, value) in &signed.headers {
            request = request.header(name, value);
        }
        let answer = async {
            let answer = request.send().await?;
            let status = answer.status().as_u16();
            Ok::<_, reqwest::Error>((status, answer.text().await?))
        };
        let (status, body) = answer.await.unwrap_or_default();
        Outcome { status, body, took_ms: u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX) }
    }

    /// One attempt that is logged and not repeated.
    async fn send(&self, message: Message) -> Outcome {
        let outcome = self.post(&message).await;
        let now = self.clock.now_ms();
        self.world().note_attempt(now, message, outcome.clone(), false);
        outcome
    }

    /// Attempts everything that is due, and returns how many attempts that took.
    async fn deliver_due(&self) -> usize {
        let due = self.world().take_due(self.clock.now_ms());
        let attempts = due.len();
        let mut rest = due.into_iter().peekable();
        while rest.peek().is_some() {
            let some: Vec<Message> = rest.by_ref().take(AT_ONCE).collect();
            let outcomes = join_all(some.iter().map(|message| self.post(message))).await;
            let now = self.clock.now_ms();
            let mut world = self.world();
            for (message, outcome) in some.into_iter().zip(outcomes) {
                world.note_attempt(now, message, outcome, true);
            }
        }
        attempts
    }
}

/// Everything that answers. The console stands beside the plan of misfortune, not behind it.
fn router(sim: &Arc<Sim>, faults: &Faults) -> Router {
    let note = Arc::clone(sim);
    let api = Router::new()
        .route("/api/v1/{*rest}", any(api::answer))
        .route("/oauth/authorize", get(oauth::authorize))
        .route("/oauth/consent", post(oauth::decide))
        .route("/oauth/token", post(oauth::token))
        .route("/oauth/userinfo", get(oauth::userinfo))
        .route("/oauth/revoke", post(oauth::revoke))
        .route("/oauth/.well-known/openid-configuration", get(oauth::discovery))
        .fallback(move |method: Method, uri: Uri| async move {
            note.world().notes.not_understood.push(format!("{method} {}", uri.path()));
            (StatusCode::NOT_FOUND, r#"{"error":{"type":"not_found","message":"Route not found"}}"#)
        })
        .with_state(Arc::clone(sim));
    let console = Router::new()
        .route("/", get(console::home))
        .route("/console", get(console::show))
        .route("/console/{action}", post(console::act))
        .with_state(Arc::clone(sim));
    faults.in_front_of("whop", api).merge(console)
}

/// Delivers by itself while time runs by itself; ends with the stand-in.
async fn deliver_forever(sim: std::sync::Weak<Sim>) {
    loop {
        tokio::time::sleep(Duration::from_millis(150)).await;
        let Some(sim) = sim.upgrade() else { return };
        sim.deliver_due().await;
    }
}
