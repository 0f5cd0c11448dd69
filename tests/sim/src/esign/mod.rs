//! Stateful stand-ins for DocuSign, Dropbox Sign and PandaDoc behind one port, each below its own prefix with
//! the provider's own paths. Every request is held against the provider's published description with closed
//! bodies; what does not fit is refused as the provider would and kept for [`Desk::violations`]. Webhooks are
//! signed, repeated and given up as each provider does it. They know nothing of the product's types.
//!
//! ```ignore
//! let clock = Clock::stepped(1_793_614_530_000);
//! let esign = Esign::start(clock.clone(), &faults, 0).await;
//! esign.switch(|switches| switches.delivery = Delivery::Collect);
//! let pandadoc = esign.pandadoc();
//! let template = pandadoc.template(Template::new("Agreement", &["Client"], &["Amount"]));
//! let key = pandadoc.subscribe("https://hooks.example/pandadoc");
//! // … the product creates and sends at `pandadoc.url()` with `pandadoc.credentials().api_key` …
//! let contract = pandadoc.contracts()[0].id.clone();
//! pandadoc.sign(&contract, "ada@client.example").unwrap();
//! let deliveries = pandadoc.take_deliveries();        // lose, repeat or reorder them
//! assert!(pandadoc.violations().is_empty());
//! ```
//!
//! Time is the clock's: drafts get ready, files appear, contracts expire and retries fall due when it has moved
//! and somebody calls, or [`Esign::deliver_due`] is asked. On the system clock this happens by itself.
//! Misfortune comes from [`Faults`] under the names `docusign`, `dropbox_sign` and `pandadoc`.
#![expect(clippy::doc_markdown, reason = "DocuSign and PandaDoc are names of companies")]
#![expect(
    clippy::struct_excessive_bools,
    clippy::too_many_arguments,
    clippy::needless_pass_by_value,
    clippy::wildcard_enum_match_arm,
    clippy::string_slice,
    clippy::assigning_clones,
    reason = "flat and plain is enough for a stand-in"
)]

mod book;
mod console;
mod desk;
mod docusign;
mod dropbox_sign;
mod hooks;
mod ids;
mod life;
mod pandadoc;
mod pdf;
pub mod signing;
mod spec;
mod wire;
mod world;

use std::sync::{Arc, Mutex, MutexGuard, OnceLock};
use std::time::Duration;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get, post};
use http::StatusCode;

pub use book::{Role, Template};
pub use desk::{Desk, Refused, Shown, ShownSigner};
pub use docusign::{Credentials as DocusignCredentials, Docusign};
pub use dropbox_sign::{Credentials as DropboxSignCredentials, DropboxSign};
pub use hooks::{Delivery, HELLO, SignedDelivery};
pub use pandadoc::{Credentials as PandadocCredentials, Pandadoc};
pub use world::{Switches, Violation};

use crate::clock::Clock;
use crate::fault::Faults;
use crate::serve::{Served, plain_client, serve};
use world::World;

/// One of the three.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Provider {
    /// DocuSign eSignature REST v2.1 and its OAuth.
    Docusign,
    /// Dropbox Sign v3.
    DropboxSign,
    /// PandaDoc's public API.
    Pandadoc,
}

impl Provider {
    /// All three, in the order of this module.
    pub const ALL: [Self; 3] = [Self::Docusign, Self::DropboxSign, Self::Pandadoc];

    /// The first segment of its paths here.
    pub(crate) fn prefix(self) -> &'static str {
        match self {
            Self::Docusign => "docusign",
            Self::DropboxSign => "dropbox-sign",
            Self::Pandadoc => "pandadoc",
        }
    }

    fn service(self) -> &'static str {
        match self {
            Self::Docusign => "docusign",
            Self::DropboxSign => "dropbox_sign",
            Self::Pandadoc => "pandadoc",
        }
    }
}

/// What the handlers share.
struct Sim {
    clock: Clock,
    world: Mutex<World>,
    sender: reqwest::Client,
    url: OnceLock<String>,
}

impl Sim {
    fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().expect("no handler panics while it holds the books")
    }

    /// The books after everything has happened that was due.
    fn present(&self) -> (MutexGuard<'_, World>, i64) {
        let now = self.clock.now_ms();
        let mut world = self.world();
        world.pass_time(now);
        (world, now)
    }

    fn base(&self, provider: Provider) -> String {
        format!("{}/{}", self.url.get().cloned().unwrap_or_default(), provider.prefix())
    }

    async fn post(&self, signed: SignedDelivery, timeout: Duration) -> (u16, String) {
        let mut request = self.sender.post(&signed.url).timeout(timeout).body(signed.body);
        for (name, value) in &signed.headers {
            request = request.header(name, value);
        }
        let answer = async {
            let answer = request.send().await?;
            Ok::<_, reqwest::Error>((answer.status().as_u16(), answer.text().await?))
        };
        answer.await.unwrap_or_default()
    }

    /// Attempts everything that is due, one after the other, and returns how many attempts that took.
    async fn deliver_due(&self) -> usize {
        let mut attempts = 0;
        loop {
            let (signed, message, timeout) = {
                let (mut world, now) = self.present();
                let Some(message) = world.post.next_due(now) else { return attempts };
                (world.signed(&message), message, world.switches.webhook_timeout)
            };
            let outcome = self.post(signed, timeout).await;
            attempts += 1;
            let now = self.clock.now_ms();
            let mut world = self.world();
            let switches = world.switches.clone();
            world.post.note(&switches, now, message, outcome);
        }
    }
}

/// A call to one of the providers.
async fn answer(sim: Arc<Sim>, provider: Provider, request: Request) -> Response {
    let asked = match wire::Asked::read(request).await {
        Ok(asked) => asked,
        Err(error) => return (StatusCode::BAD_REQUEST, error).into_response(),
    };
    let base = sim.base(provider);
    let (mut world, now) = sim.present();
    let reply = match provider {
        Provider::Docusign => docusign::answer(&mut world, &base, &asked, now),
        Provider::DropboxSign => dropbox_sign::answer(&mut world, &base, &asked, now),
        Provider::Pandadoc => pandadoc::answer(&mut world, &base, &asked, now),
    };
    world.check_answer(provider, &asked, &reply);
    reply.into_response()
}

fn router(sim: &Arc<Sim>, faults: &Faults) -> Router {
    let mut all = Router::new()
        .route("/", get(console::home))
        .route("/console", get(console::show))
        .route("/console/keys", get(console::keys::show))
        .route("/console/{provider}/{action}", post(console::act))
        .with_state(Arc::clone(sim));
    for provider in Provider::ALL {
        let sim = Arc::clone(sim);
        let api = Router::new()
            .route("/{*rest}", any(move |request: Request| answer(Arc::clone(&sim), provider, request)));
        let api = faults.in_front_of(provider.service(), api.layer(DefaultBodyLimit::disable()));
        all = all.nest(&format!("/{}", provider.prefix()), api);
    }
    all
}

/// Delivers by itself while time runs by itself; ends with the stand-ins.
async fn deliver_forever(sim: std::sync::Weak<Sim>) {
    loop {
        tokio::time::sleep(Duration::from_millis(150)).await;
        let Some(sim) = sim.upgrade() else { return };
        sim.deliver_due().await;
    }
}

/// The three providers, running; they stop when this is dropped.
pub struct Esign {
    sim: Arc<Sim>,
    served: Served,
}

impl std::fmt::Debug for Esign {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Esign").field("url", &self.url()).finish_non_exhaustive()
    }
}

impl Esign {
    /// Starts on `port` of the loopback interface; 0 takes any free port.
    pub async fn start(clock: Clock, faults: &Faults, port: u16) -> Self {
        let stepped = clock.is_stepped();
        let sender =
            plain_client().redirect(reqwest::redirect::Policy::none()).build().expect("a plain HTTP client");
        let world = Mutex::new(World::new());
        let sim = Arc::new(Sim { clock, world, sender, url: OnceLock::new() });
        let served = serve(router(&sim, faults), port).await.expect("a free port");
        sim.url.set(served.url()).expect("it is set here only");
        if !stepped {
            tokio::spawn(deliver_forever(Arc::downgrade(&sim)));
        }
        Self { sim, served }
    }

    /// `http://127.0.0.1:port`; people find the console there.
    pub fn url(&self) -> String {
        self.served.url()
    }

    /// Turns switches.
    pub fn switch(&self, turn: impl FnOnce(&mut Switches)) {
        turn(&mut self.sim.world().switches);
    }

    /// DocuSign's side.
    pub fn docusign(&self) -> Docusign {
        Docusign::at(Desk::at(&self.sim, Provider::Docusign))
    }

    /// Dropbox Sign's side.
    pub fn dropbox_sign(&self) -> DropboxSign {
        DropboxSign::at(Desk::at(&self.sim, Provider::DropboxSign))
    }

    /// PandaDoc's side.
    pub fn pandadoc(&self) -> Pandadoc {
        Pandadoc::at(Desk::at(&self.sim, Provider::Pandadoc))
    }

    /// Attempts every webhook that is due, and returns how many attempts that took.
    pub async fn deliver_due(&self) -> usize {
        self.sim.deliver_due().await
    }

    /// Violations of all three.
    pub fn violations(&self) -> Vec<Violation> {
        self.sim.world().violations.clone()
    }
}
