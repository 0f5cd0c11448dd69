//! What a test holds of one provider: it arranges accounts, acts as signers, and asks what happened.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::book::Template;
use super::hooks::SignedDelivery;
use super::life::{Contract, Happened, Stage, Turn};
use super::world::{Violation, World};
use super::{Provider, Sim, docusign, dropbox_sign, pandadoc};

/// A move that the provider does not allow, with the reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused(pub String);

/// What somebody does with a contract.
#[derive(Clone, Copy, Debug)]
pub(super) enum Act<'a> {
    View,
    Sign,
    Decline(&'a str),
    Bounce,
}

/// A signer as the test sees them.
#[derive(Clone, Debug)]
pub struct ShownSigner {
    /// The provider's id.
    pub id: String,
    /// Where the mail goes.
    pub email: String,
    /// Shown to others.
    pub name: String,
    /// The template's role, when there is one.
    pub role: Option<String>,
    /// The place in the order, as the provider counts.
    pub order: i64,
    /// `waiting`, `sent`, `viewed`, `signed`, `declined` or `bounced`.
    pub status: &'static str,
}

/// A contract as the test sees it.
#[derive(Clone, Debug)]
pub struct Shown {
    /// The provider's id.
    pub id: String,
    /// The provider's word; for Dropbox Sign, which has none, the word of the flag that decides.
    pub status: String,
    /// The title or subject.
    pub title: String,
    /// What signers read.
    pub message: String,
    /// The caller's own names and values.
    pub own: Map<String, Value>,
    /// DocuSign's `transactionId`.
    pub transaction: Option<String>,
    /// The template it was made from.
    pub template: Option<String>,
    /// Everybody who signs, in the order they were named.
    pub signers: Vec<ShownSigner>,
    /// Names and sizes of the files that were sent in.
    pub files: Vec<(String, usize)>,
    /// Unix milliseconds.
    pub expires_at: Option<i64>,
    /// How many reminders have gone out, by hand or by themselves.
    pub reminded: usize,
    /// The reason of a void or decline.
    pub end_reason: Option<String>,
}

fn word(turn: Turn) -> &'static str {
    match turn {
        Turn::Waiting => "waiting",
        Turn::Sent => "sent",
        Turn::Viewed => "viewed",
        Turn::Signed => "signed",
        Turn::Declined => "declined",
        Turn::Bounced => "bounced",
    }
}

impl World {
    pub(super) fn act(
        &mut self,
        provider: Provider,
        id: &str,
        email: &str,
        act: Act<'_>,
        now: i64,
    ) -> Result<(), Refused> {
        let refused = |reason: &str| Refused(reason.to_owned());
        let book = self.book(provider);
        let row = book.contract(id).ok_or_else(|| refused("there is no such contract"))?;
        let contract = &mut book.contracts[row];
        let party = contract.row_of(email).ok_or_else(|| refused("there is no such signer"))?;
        let happened = match act {
            Act::View => contract.view(party, now),
            Act::Sign => contract.sign(party, now),
            Act::Decline(reason) => contract.decline(party, reason, now),
            Act::Bounce => contract.bounce(party, now),
        };
        let happened = happened.map_err(refused)?;
        self.tell(provider, row, &happened, now);
        Ok(())
    }

    /// Ends an open contract from inside the provider.
    pub(super) fn close(
        &mut self,
        provider: Provider,
        id: &str,
        reason: Option<&str>,
        now: i64,
    ) -> Result<(), Refused> {
        let book = self.book(provider);
        let row = book.contract(id).ok_or_else(|| Refused("there is no such contract".to_owned()))?;
        if book.contracts[row].stage != Stage::Open {
            return Err(Refused("the contract is not open".to_owned()));
        }
        match reason {
            None => {
                book.contracts[row].expires_at = Some(now);
                self.expire(provider, row, now);
            }
            Some(reason) => {
                book.contracts[row].end(Stage::Voided, Some(reason), now);
                self.tell(provider, row, &[Happened::Voided], now);
            }
        }
        Ok(())
    }

    pub(super) fn shown(&self, provider: Provider, row: usize) -> Shown {
        let book = self.shelf(provider);
        let contract: &Contract = &book.contracts[row];
        let signers = contract.signers().map(|(_, party)| ShownSigner {
            id: party.id.clone(),
            email: party.email.clone(),
            name: party.name.clone(),
            role: party.role.clone(),
            order: party.order,
            status: word(party.turn),
        });
        Shown {
            id: contract.id.clone(),
            status: self.status(provider, row),
            title: contract.subject.clone(),
            message: contract.message.clone(),
            own: contract.own.clone(),
            transaction: contract.transaction.clone(),
            template: contract.template.map(|row| book.templates[row].id.clone()),
            signers: signers.collect(),
            files: contract.files.iter().map(|file| (file.name.clone(), file.bytes.len())).collect(),
            expires_at: contract.expires_at,
            reminded: contract.reminded,
            end_reason: contract.end_reason.clone(),
        }
    }
}

/// One provider's side of the street. Clones speak of the same one.
#[derive(Clone)]
pub struct Desk {
    sim: Arc<Sim>,
    pub(super) provider: Provider,
}

impl std::fmt::Debug for Desk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Desk").field("provider", &self.provider).finish_non_exhaustive()
    }
}

impl Desk {
    pub(super) fn at(sim: &Arc<Sim>, provider: Provider) -> Self {
        Self { sim: Arc::clone(sim), provider }
    }

    pub(super) fn with<R>(&self, act: impl FnOnce(&mut World, i64) -> R) -> R {
        let (mut world, now) = self.sim.present();
        act(&mut world, now)
    }

    /// What stands in the place of the provider's `https://host`, without a trailing slash.
    pub fn url(&self) -> String {
        self.sim.base(self.provider)
    }

    /// Keeps a template, and returns its id.
    pub fn template(&self, mut template: Template) -> String {
        self.with(|world, now| {
            let number = world.next();
            if template.id.is_empty() {
                template.id = match self.provider {
                    Provider::Docusign => super::ids::guid("template", number),
                    Provider::DropboxSign => super::ids::hexadecimal("template", number, 40),
                    Provider::Pandadoc => super::ids::short("template", number),
                };
            }
            template.created_at = now;
            let id = template.id.clone();
            world.book(self.provider).templates.push(template);
            id
        })
    }

    /// A webhook for the whole account, as an administrator sets it up. Returns the key that signs: DocuSign's
    /// first account key, Dropbox Sign's API key, PandaDoc's new shared key.
    pub fn subscribe(&self, url: &str) -> String {
        self.with(|world, _| match self.provider {
            Provider::Docusign => docusign::subscribe(world, url),
            Provider::DropboxSign => dropbox_sign::subscribe(world, url),
            Provider::Pandadoc => pandadoc::subscribe(world, url),
        })
    }

    /// Whether the account's webhooks still have an address and are switched on.
    pub fn hooks_active(&self) -> bool {
        self.with(|world, _| {
            let hooks =
                world.post.hooks.iter().filter(|hook| hook.provider == self.provider && !hook.deleted);
            hooks.clone().count() > 0 && hooks.clone().all(|hook| hook.active)
        })
    }

    /// Every contract, the oldest first.
    pub fn contracts(&self) -> Vec<Shown> {
        self.with(|world, _| {
            let count = world.shelf(self.provider).contracts.len();
            (0..count).map(|row| world.shown(self.provider, row)).collect()
        })
    }

    /// One contract.
    pub fn contract(&self, id: &str) -> Option<Shown> {
        self.with(|world, _| {
            let row = world.shelf(self.provider).contract(id)?;
            Some(world.shown(self.provider, row))
        })
    }

    fn act(&self, id: &str, email: &str, act: Act<'_>) -> Result<(), Refused> {
        self.with(|world, now| world.act(self.provider, id, email, act, now))
    }

    /// The signer opens the contract.
    pub fn view(&self, contract: &str, email: &str) -> Result<(), Refused> {
        self.act(contract, email, Act::View)
    }

    /// The signer signs, and has looked before.
    pub fn sign(&self, contract: &str, email: &str) -> Result<(), Refused> {
        self.act(contract, email, Act::Sign)
    }

    /// The signer declines.
    pub fn decline(&self, contract: &str, email: &str, reason: &str) -> Result<(), Refused> {
        self.act(contract, email, Act::Decline(reason))
    }

    /// The mail to the signer comes back.
    pub fn bounce(&self, contract: &str, email: &str) -> Result<(), Refused> {
        self.act(contract, email, Act::Bounce)
    }

    /// Its time is over, now.
    pub fn expire(&self, contract: &str) -> Result<(), Refused> {
        self.with(|world, now| world.close(self.provider, contract, None, now))
    }

    /// Somebody at the provider's own pages ends it.
    pub fn void(&self, contract: &str, reason: &str) -> Result<(), Refused> {
        self.with(|world, now| world.close(self.provider, contract, Some(reason), now))
    }

    /// Everybody who has not signed yet signs, in order.
    pub fn sign_all(&self, contract: &str) -> Result<(), Refused> {
        loop {
            let shown =
                self.contract(contract).ok_or_else(|| Refused("there is no such contract".to_owned()))?;
            let open = |signer: &&ShownSigner| matches!(signer.status, "sent" | "viewed" | "bounced");
            match shown.signers.iter().find(open) {
                Some(signer) => self.sign(contract, &signer.email)?,
                None if shown.signers.iter().all(|signer| signer.status == "signed") => return Ok(()),
                None => return Err(Refused("the contract is not open".to_owned())),
            }
        }
    }

    /// Somebody at the provider has the document open for editing, or closes it (PandaDoc's 423).
    pub fn lock(&self, contract: &str, locked: bool) {
        self.with(|world, _| {
            let book = world.book(self.provider);
            let row = book.contract(contract).expect("a contract of this world");
            book.contracts[row].locked = locked;
        });
    }

    /// Empties the basket of collected deliveries, signed as they would go out now.
    pub fn take_deliveries(&self) -> Vec<SignedDelivery> {
        self.with(|world, _| {
            let all = std::mem::take(&mut world.post.collected);
            let (ours, others) = all.into_iter().partition(|message| message.provider == self.provider);
            world.post.collected = others;
            let ours: Vec<super::hooks::Message> = ours;
            ours.iter().map(|message| world.signed(message)).collect()
        })
    }

    /// Posts a delivery once, as it is; returns status and body, or 0 when there was no answer.
    pub async fn deliver(&self, delivery: &SignedDelivery) -> (u16, String) {
        let timeout = self.sim.world().switches.webhook_timeout;
        self.sim.post(delivery.clone(), timeout).await
    }

    /// How many webhooks wait for their next attempt.
    pub fn pending_deliveries(&self) -> usize {
        self.with(|world, _| {
            world.post.pending.iter().filter(|message| message.provider == self.provider).count()
        })
    }

    /// Requests that the description does not allow, and answers that do not fit it.
    pub fn violations(&self) -> Vec<Violation> {
        self.with(|world, _| {
            world.violations.iter().filter(|found| found.provider == self.provider).cloned().collect()
        })
    }

    /// Forgets the violations of this provider, after a test that made them on purpose.
    pub fn forget_violations(&self) {
        self.with(|world, _| world.violations.retain(|found| found.provider != self.provider));
    }

    /// Calls that were answered although a careful client would not have made them so, such as polling too often.
    pub fn flaws(&self) -> Vec<String> {
        self.with(|world, _| {
            let ours = format!("{:?}: ", self.provider);
            world.flaws.iter().filter(|flaw| flaw.starts_with(&ours)).cloned().collect()
        })
    }

    /// What the provider would have mailed to an administrator about dead webhooks.
    pub fn mails(&self) -> Vec<String> {
        self.with(|world, _| {
            let ours = format!("{:?}: ", self.provider);
            world.post.mails.iter().filter(|mail| mail.starts_with(&ours)).cloned().collect()
        })
    }
}
