//! What a test holds: it starts the stand-in, arranges its world and asks what happened.
//! An id that does not exist is a mistake of the test and stops it.

use std::sync::Arc;

use serde_json::Value;

use super::hooks::SignedDelivery;
use super::records::{ACCOUNT, USER, User};
use super::render::Lens;
use super::world::{AppRecord, Reach, Rights, Switches, World};
use super::{Sim, deliver_forever, ids, router};
use crate::clock::Clock;
use crate::fault::Faults;
use crate::serve::{Served, serve};

const APP: &str = "app_";

/// An app and what it proves itself with.
#[derive(Clone)]
pub struct App {
    /// `app_…`
    pub client_id: String,
    /// Shown in the dashboard only.
    pub client_secret: String,
}

impl std::fmt::Debug for App {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("App").field("client_id", &self.client_id).finish_non_exhaustive()
    }
}

/// A running stand-in; it stops when dropped.
pub struct Whop {
    sim: Arc<Sim>,
    served: Served,
}

impl std::fmt::Debug for Whop {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Whop").field("url", &self.url()).finish_non_exhaustive()
    }
}

pub(super) fn row(prefix: &str, id: &str) -> usize {
    ids::row(prefix, id).unwrap_or_else(|| panic!("{id} is not an id of this world"))
}

impl Whop {
    /// Starts on `port` of the loopback interface; 0 takes any free port. On the system clock deliveries go
    /// out by themselves, on a stepped one when [`Self::deliver_due`] is called.
    pub async fn start(clock: Clock, faults: &Faults, port: u16) -> Self {
        let stepped = clock.cell().is_some();
        let sim = Arc::new(Sim::new(clock));
        let served = serve(router(&sim, faults), port).await.expect("a free port");
        sim.url.set(served.url()).expect("it is set here only");
        if !stepped {
            tokio::spawn(deliver_forever(Arc::downgrade(&sim)));
        }
        Self { sim, served }
    }

    /// `http://127.0.0.1:port`; the API is below `/api/v1`, OAuth below `/oauth`, the console at `/console`.
    pub fn url(&self) -> String {
        self.served.url()
    }

    pub(super) fn with<R>(&self, act: impl FnOnce(&mut World, i64) -> R) -> R {
        let now = self.sim.clock.now_ms();
        act(&mut self.sim.world(), now)
    }

    /// Turns switches.
    pub fn switch(&self, turn: impl FnOnce(&mut Switches)) {
        self.with(|world, _| turn(&mut world.switches));
    }

    /// A person on Whop who sells; the first seller exists without being made.
    pub fn create_user(&self, name: &str) -> String {
        self.with(|world, now| {
            world.seller(now);
            let number = world.books.users.len();
            let row = world.books.add_user(User {
                name: Some(name.to_owned()),
                username: format!("seller{number}"),
                email: Some(format!("seller{number}@whop-stand-in.example")),
                phone: None,
                created_at: now,
            });
            ids::name(USER, row)
        })
    }

    /// An account of the first seller.
    pub fn create_account(&self, title: &str) -> String {
        self.with(|world, now| {
            let owner = world.seller(now);
            ids::name(ACCOUNT, world.add_account(title, owner, now))
        })
    }

    /// An account of somebody else.
    pub fn create_account_of(&self, user: &str, title: &str) -> String {
        self.with(|world, now| ids::name(ACCOUNT, world.add_account(title, row(USER, user), now)))
    }

    /// Puts this user in front of the browser for the consent page.
    pub fn sign_in(&self, user: &str) {
        self.with(|world, _| world.oauth.signed_in = Some(row(USER, user)));
    }

    /// Fills an account with two years of history; the same number gives the same history.
    pub fn seed(&self, account: &str, members: usize, rng_seed: u64) {
        self.with(|world, now| world.seed(now, row(ACCOUNT, account), members, rng_seed));
    }

    /// A key that speaks for one account.
    pub fn account_api_key(&self, account: &str, rights: Rights) -> String {
        self.with(|world, _| {
            let key = format!("apik_{}", world.secret("key"));
            let reach = Reach::Account(row(ACCOUNT, account));
            world.keys.insert(key.clone(), (reach, rights));
            key
        })
    }

    /// Makes a credential useless, as its owner does in the dashboard.
    pub fn revoke_key(&self, key: &str) {
        self.with(|world, _| world.keys.remove(key));
    }

    /// Changes what a key may do, as its owner does in the dashboard.
    pub fn change_rights(&self, key: &str, rights: Rights) {
        self.with(|world, _| world.keys.get_mut(key).expect("a known key").1 = rights);
    }

    /// An app whose redirects are compared byte for byte.
    pub fn register_app(&self, redirect_uris: &[&str]) -> App {
        self.with(|world, _| {
            let client_secret = world.secret("client");
            world.apps.push(AppRecord {
                client_secret: client_secret.clone(),
                redirect_uris: redirect_uris.iter().map(|uri| (*uri).to_owned()).collect(),
                installed: std::collections::BTreeSet::default(),
            });
            App { client_id: ids::name(APP, world.apps.len() - 1), client_secret }
        })
    }

    /// Installs an app on an account.
    pub fn install_app(&self, client_id: &str, account: &str) {
        self.with(|world, _| {
            let account = row(ACCOUNT, account);
            world.apps[row(APP, client_id)].installed.insert(account);
        });
    }

    /// Ends every consent, as sellers do who remove the app; access tokens live on until they expire.
    pub fn withdraw_consents(&self) {
        self.with(|world, _| world.oauth.withdraw_all());
    }

    /// A key that speaks for an app on every account that installed it.
    pub fn app_api_key(&self, client_id: &str, rights: Rights) -> String {
        self.with(|world, _| {
            let key = format!("apik_{}", world.secret("app key"));
            world.keys.insert(key.clone(), (Reach::App(row(APP, client_id)), rights));
            key
        })
    }

    /// Attempts every delivery that is due, and returns how many attempts that took.
    pub async fn deliver_due(&self) -> usize {
        self.sim.deliver_due().await
    }

    /// When the next delivery is due, in Unix milliseconds.
    pub fn next_delivery_at(&self) -> Option<i64> {
        self.with(|world, _| world.hooks.pending.iter().map(|message| message.due).min())
    }

    /// Empties the basket of collected deliveries, oldest first, signed for the present moment.
    pub fn take_deliveries(&self) -> Vec<SignedDelivery> {
        self.with(|world, now| {
            let collected = std::mem::take(&mut world.hooks.collected);
            collected.iter().map(|message| world.signed(message, now)).collect()
        })
    }

    /// Signs what was collected once more, for the present moment: a retry keeps id and body.
    pub fn sign_again(&self, delivery: &SignedDelivery) -> SignedDelivery {
        self.with(|world, now| {
            let secret = &world.hooks.endpoints[row(super::hooks::ENDPOINT, &delivery.endpoint)].secret;
            let timestamp = now.div_euclid(1_000);
            let signature = super::sign(secret, &delivery.id, timestamp, &delivery.body);
            let mut again = delivery.clone();
            for (name, value) in &mut again.headers {
                match name.as_str() {
                    "webhook-timestamp" => *value = timestamp.to_string(),
                    "webhook-signature" => value.clone_from(&signature),
                    _ => {}
                }
            }
            again
        })
    }

    /// Every member of an account in wire shape, in the order of their making.
    pub fn members(&self, account: &str) -> Vec<Value> {
        self.with(|world, _| {
            let books = &world.books;
            let rows = books.members.of_account(row(ACCOUNT, account));
            rows.iter().map(|row| books.show_member(*row, Lens::FULL)).collect()
        })
    }

    /// Every membership of an account in wire shape, in the order of their making.
    pub fn memberships(&self, account: &str) -> Vec<Value> {
        self.with(|world, _| {
            let books = &world.books;
            let rows = books.memberships.of_account(row(ACCOUNT, account));
            rows.iter().map(|row| books.show_membership(*row, Lens::FULL)).collect()
        })
    }

    /// Every payment of an account in wire shape, in the order of their making.
    pub fn payments(&self, account: &str) -> Vec<Value> {
        self.with(|world, _| {
            let books = &world.books;
            let rows = books.payments.of_account(row(ACCOUNT, account));
            rows.iter().map(|row| books.show_payment(*row, Lens::FULL)).collect()
        })
    }

    /// Every product of an account that is not deleted, in wire shape.
    pub fn products(&self, account: &str) -> Vec<Value> {
        self.with(|world, _| {
            let books = &world.books;
            let rows = books.products.of_account(row(ACCOUNT, account)).iter();
            let kept = rows.filter(|row| !books.products[**row].deleted);
            kept.map(|row| books.show_product(*row, Lens::FULL)).collect()
        })
    }

    /// Every variant of an account that is not deleted, in wire shape.
    pub fn variants(&self, account: &str) -> Vec<Value> {
        self.with(|world, _| {
            let books = &world.books;
            let rows = books.variants.of_account(row(ACCOUNT, account)).iter();
            let kept = rows.filter(|row| !books.variants[**row].deleted);
            kept.map(|row| books.show_variant(*row, Lens::FULL)).collect()
        })
    }

    /// Every refund of an account in the shape of the REST API.
    pub fn refunds(&self, account: &str) -> Vec<Value> {
        self.with(|world, _| {
            let rows = world.books.refunds.of_account(row(ACCOUNT, account)).iter();
            rows.map(|row| world.books.show_refund(*row)).collect()
        })
    }

    /// Every dispute of an account in wire shape.
    pub fn disputes(&self, account: &str) -> Vec<Value> {
        self.with(|world, _| {
            let rows = world.books.disputes.of_account(row(ACCOUNT, account)).iter();
            rows.map(|row| world.books.show_dispute(*row, Lens::FULL)).collect()
        })
    }

    /// How often an operation was called, by its `operationId`, such as `memberships_list`.
    pub fn list_calls(&self, operation: &str) -> usize {
        self.with(|world, _| world.notes.calls.get(operation).copied().unwrap_or(0))
    }

    /// Paths and query parameters that this stand-in does not know.
    pub fn calls_not_understood(&self) -> Vec<String> {
        self.with(|world, _| world.notes.not_understood.clone())
    }

    /// Calls that were answered although a careful client would have made them otherwise.
    pub fn flaws(&self) -> Vec<String> {
        self.with(|world, _| world.notes.flaws.clone())
    }

    /// How many refresh tokens were exchanged.
    pub fn refreshes(&self) -> usize {
        self.with(|world, _| world.notes.refreshes)
    }

    /// How many families were lost because a refresh token was used twice.
    pub fn families_revoked(&self) -> usize {
        self.with(|world, _| world.notes.families_revoked)
    }

    /// The warnings that Whop would have mailed to the owner of a failing endpoint.
    pub fn mails(&self) -> Vec<String> {
        self.with(|world, _| world.notes.mails.clone())
    }
}
