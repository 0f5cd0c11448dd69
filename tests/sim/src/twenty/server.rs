//! The running server: its workspaces and keys behind one lock, and the operations on records that REST and
//! GraphQL share. The lock is never held while something is awaited.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, OnceLock};

use serde_json::{Value, json};
use tokio::sync::watch;
use uuid::Uuid;

use super::apply;
use super::auth::Caller;
use super::bucket::Generation;
use super::filter::Filter;
use super::list::matching;
use super::refusal::Refusal;
use super::row::Actor;
use super::space::{Key, Role, Space};
use super::webhook;
use super::write::{self, Done, MOST, Plan, Writer};
use crate::clock::Clock;

/// Everything behind the lock.
#[derive(Debug)]
pub(super) struct State {
    pub spaces: Vec<Space>,
    pub keys: HashMap<String, Key>,
    /// Requests that got an answer no real server would give.
    pub not_understood: Vec<String>,
    pub generation: Generation,
    /// Bytes of uploaded files.
    pub uploads: BTreeMap<Uuid, Vec<u8>>,
}

/// What the handlers share.
#[derive(Debug)]
pub(super) struct Server {
    pub clock: Clock,
    pub base: OnceLock<String>,
    pub state: Mutex<State>,
    pub client: reqwest::Client,
    /// Webhooks on their way.
    pub pending: watch::Sender<usize>,
}

/// What is done to the records a request names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    SoftDelete,
    Destroy,
    Restore,
}

impl Server {
    pub(super) fn base(&self) -> &str {
        self.base.get().map_or("http://127.0.0.1", String::as_str)
    }

    /// Runs `read` on the caller's workspace.
    pub(super) fn with<T>(&self, caller: &Caller, run: impl FnOnce(&mut Space) -> T) -> T {
        run(&mut self.state.lock().unwrap().spaces[caller.space])
    }

    /// Takes a token, asks whether the caller may, and counts the call.
    pub(super) fn admit(&self, caller: &Caller, kind: &str, writes: bool) -> Result<(), Refusal> {
        let mut state = self.state.lock().unwrap();
        let (now, generation) = (self.clock.now_ms(), state.generation);
        let space = &mut state.spaces[caller.space];
        let refusal = match space.bucket.take(now) {
            Err(wait) if generation == Generation::Newer => {
                Refusal::limit_newer(space.bucket.limit, &caller.key.id.to_string(), wait, now)
            }
            Err(_) => Refusal::limit(space.bucket.limit),
            Ok(()) if writes && caller.key.role == Role::ReadOnly => Refusal::denied(),
            Ok(()) => {
                space.count_call(kind, writes);
                return Ok(());
            }
        };
        Err(refusal)
    }

    pub(super) fn refused(&self, caller: &Caller, refusal: &Refusal) {
        self.with(caller, |space| space.count_refusal(refusal.kind()));
    }

    pub(super) fn writer(&self, caller: &Caller) -> Writer {
        Writer { actor: caller.key.actor.clone(), now: self.clock.now_ms() }
    }

    /// Creates or upserts. Between matching and writing others may come, as on the real server.
    pub(super) async fn create(
        &self,
        caller: &Caller,
        object: usize,
        inputs: &[Value],
        upsert: bool,
    ) -> Result<Vec<Uuid>, Refusal> {
        let plan = self.with(caller, |space| write::plan(space, object, inputs, upsert))?;
        tokio::task::yield_now().await;
        self.finish(caller, object, plan)
    }

    fn finish(&self, caller: &Caller, object: usize, plan: Plan) -> Result<Vec<Uuid>, Refusal> {
        let writer = self.writer(caller);
        let done = self.with(caller, |space| {
            let mut done = apply::apply(space, object, plan, &writer);
            let more = company_workflow(space, &done, &writer);
            done.events.extend(more);
            done
        });
        self.announce(caller, done)
    }

    /// Tells the webhooks and gives back what the request is answered with.
    fn announce(&self, caller: &Caller, done: Done) -> Result<Vec<Uuid>, Refusal> {
        let now = self.clock.now_iso();
        let deliveries =
            self.with(caller, |space| webhook::deliveries(space, &done.events, &now, self.base()));
        webhook::send(self, deliveries);
        match done.refused {
            Some(refusal) => Err(refusal),
            None => Ok(done.ids),
        }
    }

    /// Writes past every API rule but the database's own: what a person does in the browser.
    pub(super) fn as_human(
        &self,
        caller: &Caller,
        object: usize,
        change: impl FnOnce(&mut Space, &Writer) -> Result<Done, Refusal>,
    ) -> Result<Vec<Uuid>, Refusal> {
        let actor = Actor::new("MANUAL", "Tim Apple", &json!({}));
        let writer = Writer { actor, now: self.clock.now_ms() };
        let done = self.with(caller, |space| {
            space.objects.get(object).expect("an object of the workspace");
            change(space, &writer)
        })?;
        self.announce(caller, done)
    }

    /// The live record `id`, or the refusal for an absent one.
    pub(super) fn one(space: &Space, object: usize, id: Uuid, deleted_too: bool) -> Result<Uuid, Refusal> {
        let row = space.objects[object].table.get(&id);
        row.filter(|row| deleted_too || row.deleted_at.is_none())
            .map(|row| row.id)
            .ok_or_else(Refusal::not_found)
    }

    pub(super) async fn update(
        &self,
        caller: &Caller,
        object: usize,
        target: Target<'_>,
        input: &Value,
    ) -> Result<Vec<Uuid>, Refusal> {
        let plan = self.with(caller, |space| {
            let ids = target.ids(space, object, false)?;
            write::plan_updates(space, object, &ids, input)
        })?;
        tokio::task::yield_now().await;
        self.finish(caller, object, plan)
    }

    /// Deletes, destroys or restores.
    pub(super) fn change_fate(
        &self,
        caller: &Caller,
        object: usize,
        target: &Target<'_>,
        fate: Fate,
    ) -> Result<Vec<Uuid>, Refusal> {
        let writer = self.writer(caller);
        let done = self.with(caller, |space| {
            let ids = target.ids(space, object, fate != Fate::SoftDelete)?;
            Ok(match fate {
                Fate::SoftDelete => apply::set_deleted(space, object, &ids, true, &writer),
                Fate::Restore => apply::set_deleted(space, object, &ids, false, &writer),
                Fate::Destroy => apply::destroy(space, object, &ids),
            })
        })?;
        self.announce(caller, done)
    }
}

/// Which records a change is about.
#[derive(Clone, Copy, Debug)]
pub(super) enum Target<'a> {
    One(Uuid),
    Matching(&'a Filter),
}

impl Target<'_> {
    fn ids(&self, space: &Space, object: usize, deleted_too: bool) -> Result<Vec<Uuid>, Refusal> {
        match self {
            Self::One(id) => Ok(vec![Server::one(space, object, *id, deleted_too)?]),
            Self::Matching(filter) => {
                let mut ids: Vec<Uuid> =
                    matching(space, object, Some(filter)).into_iter().map(|row| row.id).collect();
                if deleted_too && !filter.speaks_of_deletion() {
                    let everything = Filter::All(vec![(*filter).clone(), Filter::anything(space, object)]);
                    ids = matching(space, object, Some(&everything)).into_iter().map(|row| row.id).collect();
                }
                if ids.len() > MOST {
                    return Err(Refusal::too_many_updates());
                }
                Ok(ids)
            }
        }
    }
}

/// Mail domains that are nobody's company.
const PRIVATE_DOMAINS: [&str; 6] =
    ["gmail.com", "outlook.com", "hotmail.com", "yahoo.com", "icloud.com", "proton.me"];

/// The workflow a fresh workspace ships with: counted while active, and really run only where a test wants it.
fn company_workflow(space: &mut Space, done: &Done, writer: &Writer) -> Vec<write::Event> {
    let people: Vec<_> = done
        .events
        .iter()
        .filter(|event| event.name == "created" && space.objects[event.object].singular == "person")
        .map(|event| (event.object, event.row.clone()))
        .collect();
    if people.is_empty() || !space.company_workflow_active() {
        return Vec::new();
    }
    space.counters.workflow_runs += people.len() as u64;
    if !space.company_workflow_writes {
        return Vec::new();
    }
    let mut events = Vec::new();
    let standard = Writer { actor: Actor::new("APPLICATION", "Standard", &json!({})), ..writer.clone() };
    let companies = space.singular("company").expect("a standard object");
    for (object, person) in people {
        let Some(email) = space.objects[object].spot("emails").map(|spot| super::schema::cell(spot.field, 0))
        else {
            continue;
        };
        let Some(domain) = person.get(email).as_str().and_then(|email| email.split('@').nth(1)) else {
            continue;
        };
        if PRIVATE_DOMAINS.contains(&domain) {
            continue;
        }
        let company = json!({"name": domain, "domainName": {"primaryLinkUrl": format!("https://{domain}")}});
        let Ok(plan) = write::plan(space, companies, &[company], true) else {
            continue;
        };
        let mut created = apply::apply(space, companies, plan, &standard);
        let link = json!({"companyId": created.ids.first()});
        let Ok(plan) = write::plan_updates(space, object, &[person.id], &link) else {
            continue;
        };
        let mut linked = apply::apply(space, object, plan, &standard);
        events.append(&mut created.events);
        events.append(&mut linked.events);
    }
    events
}
