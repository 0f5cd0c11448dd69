//! What a test holds: it starts the stand-ins, tells them how to behave and asks what happened.

use std::sync::Arc;

use super::books::{Received, Sim, Switches};
use super::server::router;
use super::{Outcome, Provider};
use crate::clock::Clock;
use crate::fault::Faults;
use crate::serve::{Served, serve};

/// Both providers on one port; they stop when this is dropped.
pub struct Ai {
    sim: Arc<Sim>,
    served: Served,
}

impl std::fmt::Debug for Ai {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Ai").field("url", &self.url()).finish_non_exhaustive()
    }
}

impl Ai {
    /// Starts on `port` of the loopback interface; 0 takes any free port.
    pub async fn start(clock: Clock, faults: &Faults, port: u16) -> Self {
        let sim = Arc::new(Sim::new(clock));
        let served = serve(router(&sim, faults), port).await.expect("a free port");
        Self { sim, served }
    }

    /// `http://127.0.0.1:port`; the console is at `/console`.
    pub fn url(&self) -> String {
        self.served.url()
    }

    /// The base URL for a client of `OpenAI`: it adds `/responses` or `/chat/completions`.
    pub fn openai_url(&self) -> String {
        format!("{}/openai/v1", self.url())
    }

    /// The base URL for a client of Anthropic: it adds `/v1/messages`.
    pub fn anthropic_url(&self) -> String {
        format!("{}/anthropic", self.url())
    }

    /// The key that this provider takes. It contains [`super::CANARY`].
    pub fn key(&self, provider: Provider) -> String {
        self.sim.key(provider)
    }

    /// Changes the key that this provider takes; the old one is wrong from now on.
    pub fn set_key(&self, provider: Provider, key: &str) {
        self.sim.books().keys.insert(provider, key.to_owned());
    }

    /// Queues what becomes of the next request that either provider accepts.
    pub fn script(&self, outcome: Outcome) {
        self.sim.books().queue.push_back((None, outcome));
    }

    /// Queues what becomes of the next request that this provider accepts.
    pub fn script_for(&self, provider: Provider, outcome: Outcome) {
        self.sim.books().queue.push_back((Some(provider), outcome));
    }

    /// Asks `plan` about every request that the queue has nothing for; `None` is the usual answer.
    pub fn plan(&self, plan: impl FnMut(&Received) -> Option<Outcome> + Send + 'static) {
        self.sim.books().plan = Some(Box::new(plan));
    }

    /// Empties the queue and drops the plan.
    pub fn clear_script(&self) {
        let mut books = self.sim.books();
        books.queue.clear();
        books.plan = None;
    }

    /// How many outcomes still wait in the queue.
    pub fn waiting(&self) -> usize {
        self.sim.books().queue.len()
    }

    /// Turns switches.
    pub fn switch(&self, turn: impl FnOnce(&mut Switches)) {
        turn(&mut self.sim.books().switches);
    }

    /// Every request so far, in the order of arrival, those that were refused included.
    pub fn requests(&self) -> Vec<Received> {
        self.sim.books().received.clone()
    }

    /// How many requests for text have come to this provider.
    pub fn calls(&self, provider: Provider) -> usize {
        let books = self.sim.books();
        books.received.iter().filter(|it| it.provider == provider && it.generates()).count()
    }

    /// How many requests for text have named this model.
    pub fn calls_of(&self, provider: Provider, model: &str) -> usize {
        let books = self.sim.books();
        let calls = books.received.iter().filter(|it| it.provider == provider && it.generates());
        calls.filter(|it| it.model() == model).count()
    }

    /// What clients did that the documents or the models do not allow, a line each.
    pub fn violations(&self) -> Vec<String> {
        self.sim.books().violations.clone()
    }

    /// Every violation since the start, those included that [`Self::forget`] forgot; none once nobody is judged.
    pub fn last_word(&self) -> Vec<String> {
        let books = self.sim.books();
        if books.switches.unjudged { Vec::new() } else { books.all_violations() }
    }

    /// Forgets requests and violations, but for the last word; keys, switches, script and prompt cache stay.
    pub fn forget(&self) {
        self.sim.books().forget();
    }
}
