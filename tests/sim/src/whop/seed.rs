//! A seller with two years of history, the same for the same number. History is told to nobody: no events.

use serde_json::{Map, json};

use super::ids::Dice;
use super::records::{Member, Membership, Product, User, Variant};
use super::sales::NewVariant;
use super::world::World;

pub(super) const DAY: i64 = 86_400_000;
const FIRST: &[&str] = &[
    "Zoë",
    "Liam",
    "Noor",
    "Søren",
    "Mei",
    "Ana",
    "Владимир",
    "Chidi",
    "José",
    "Aiko",
    "Émile",
    "Priya",
    "Łukasz",
    "Fatima",
    "Tomás",
    "美咲",
    "Olu",
    "Ingrid",
    "Yusuf",
    "Mary Jane",
];
const LAST: &[&str] = &[
    "Marchetti",
    "O'Brien",
    "van der Berg",
    "Kjærgård",
    "Wang",
    "Müller",
    "Петров",
    "Okafor",
    "Núñez",
    "Sato",
    "Lefèvre",
    "Sharma",
    "Wiśniewski",
    "al-Sayed",
    "Ferreira",
    "高橋",
    "Adeyemi",
    "Ås",
    "Demir",
    "Smith-Jones",
];
/// Every status, the way it shows in a seeded account; the first members take them in turn.
const STATES: &[(&str, u64)] = &[
    ("active", 46),
    ("completed", 14),
    ("trialing", 6),
    ("past_due", 6),
    ("canceled", 10),
    ("expired", 6),
    ("ends", 5),
    ("paused", 2),
    ("unresolved", 2),
    ("drafted", 2),
    ("canceling", 1),
];
pub(super) struct Seeding<'a> {
    pub(super) world: &'a mut World,
    pub(super) dice: Dice,
    pub(super) account: usize,
    pub(super) now: i64,
    pub(super) renewing: Vec<usize>,
    pub(super) single: Vec<usize>,
    pub(super) trials: Vec<usize>,
    pub(super) disputes: usize,
    pub(super) sales: usize,
}

impl World {
    /// Fills an account with products, variants, members, memberships, payments, refunds and disputes.
    pub(super) fn seed(&mut self, now: i64, account: usize, members: usize, seed: u64) {
        let mut seeding = Seeding {
            world: self,
            dice: Dice(seed),
            account,
            now,
            renewing: Vec::new(),
            single: Vec::new(),
            trials: Vec::new(),
            disputes: 0,
            sales: 0,
        };
        seeding.price_list();
        for number in 0..members {
            seeding.member(number);
        }
    }
}

/// The products, each with its variants: title, initial, renewal, currency, days, trial days.
type Offer = (&'static str, &'static [(&'static str, i64, i64, &'static str, i64, i64)]);

const OFFERS: &[Offer] = &[
    ("Inner Circle", &[("Monthly", 0, 4_900, "usd", 30, 0), ("Yearly", 0, 49_000, "usd", 365, 0)]),
    ("Café Français", &[("Mensuel", 500, 1_999, "eur", 30, 0), ("À vie", 19_900, 0, "eur", 0, 0)]),
    ("Signals 東京", &[("月額", 0, 3_000, "jpy", 30, 0)]),
    ("Community", &[("Try first", 0, 1_250, "gbp", 30, 7)]),
    ("Mentoring", &[("Monthly", 0, 25_505, "kwd", 30, 0)]),
    ("Weekly Letter", &[("Weekly", 0, 99, "usd", 7, 0), ("Free", 0, 0, "usd", 0, 0)]),
];

impl Seeding<'_> {
    fn price_list(&mut self) {
        for (title, variants) in OFFERS {
            let at = self.now - 740 * DAY + self.dice.below(DAY as u64) as i64;
            let product = self.world.books.products.add(Product {
                account: self.account,
                title: (*title).to_owned(),
                headline: Some(format!("{title}, every week")),
                visibility: "visible",
                created_at: at,
                updated_at: at,
                deleted: false,
            });
            for (title, initial, renewal, code, days, trial) in *variants {
                let currency = super::money::currency(code).expect("a currency of this stand-in");
                let new = NewVariant {
                    title: (*title).to_owned(),
                    initial: *initial,
                    renewal: *renewal,
                    currency,
                    period_days: Some(*days).filter(|days| *days > 0),
                    trial_days: Some(*trial).filter(|days| *days > 0),
                };
                self.variant(product, new, at + 1_000);
            }
        }
    }

    fn variant(&mut self, product: usize, new: NewVariant, at: i64) {
        let kind = match (new.period_days, new.trial_days) {
            (_, Some(_)) => &mut self.trials,
            (Some(_), None) => &mut self.renewing,
            (None, None) => &mut self.single,
        };
        kind.push(self.world.books.variants.add(Variant {
            account: self.account,
            product,
            title: new.title,
            initial: new.initial,
            renewal: new.renewal,
            currency: new.currency,
            period_days: new.period_days,
            trial_days: new.trial_days,
            expiration_days: None,
            visibility: "visible",
            created_at: at,
            updated_at: at,
            deleted: false,
        }));
    }

    fn user(&mut self, number: usize, at: i64) -> usize {
        let (first, last) = (*self.dice.pick(FIRST), *self.dice.pick(LAST));
        let stem: String = first.chars().filter(char::is_ascii_alphanumeric).collect();
        let stem = if stem.is_empty() { "member".to_owned() } else { stem.to_lowercase() };
        let account = self.account;
        let email = format!("{stem}.{account}.{number}@example.com");
        let email = match number % 20 {
            7 => None,
            3 => Some(email.to_uppercase()),
            12 => Some(email.replacen(&stem, "Mixed.Case", 1)),
            _ => Some(email),
        };
        self.world.books.add_user(User {
            name: (number % 41 != 40).then(|| format!("{first} {last}")),
            username: format!("{stem}{account}x{number}"),
            email,
            phone: number.is_multiple_of(3).then(|| format!("+1555{number:07}")),
            created_at: at,
        })
    }

    fn member(&mut self, number: usize) {
        let joined = self.now - 1 - self.dice.below(730 * DAY as u64) as i64;
        let business = (number % 97 == 96).then(|| format!("Company {number} GmbH"));
        let user = match business {
            Some(_) => None,
            None => Some(self.user(number, joined)),
        };
        let accessed = self.between(joined);
        let member = self.world.books.members.add(Member {
            account: self.account,
            user,
            business,
            left: number % 53 == 52,
            created_at: joined - 2_000,
            joined_at: joined,
            last_accessed_at: (number % 5 != 4).then_some(accessed),
            action: None,
            action_at: None,
            spent: 0,
        });
        let state = match STATES.get(number) {
            Some((state, _)) => state,
            None => self.state(),
        };
        self.membership(Some(member), user, state, joined);
        if self.dice.one_in(12) {
            let (state, at) = (self.state(), self.between(joined));
            self.membership(Some(member), user, state, at);
        }
        if number % 211 == 210 {
            self.membership(None, None, "completed", joined);
        }
    }

    fn state(&mut self) -> &'static str {
        let mut left = self.dice.below(100);
        for (state, weight) in STATES {
            if left < *weight {
                return state;
            }
            left -= weight;
        }
        "active"
    }

    pub(super) fn between(&mut self, from: i64) -> i64 {
        from + self.dice.below((self.now - from).max(1) as u64) as i64
    }

    fn membership(&mut self, member: Option<usize>, user: Option<usize>, state: &'static str, at: i64) {
        let kinds = match state {
            "completed" => &self.single,
            "trialing" => &self.trials,
            _ => &self.renewing,
        };
        let row = *self.dice.pick(kinds);
        let (product, period) =
            (self.world.books.variants[row].product, self.world.books.variants[row].period_days);
        let over = matches!(state, "canceled" | "expired");
        let until = if over { self.between(at) } else { self.now };
        let length = period.map(|days| days * DAY);
        let done = length.map_or(0, |length| (until - at) / length);
        let trial_end = self.now + 3 * DAY;
        let (start, end) = match (state, length) {
            ("trialing", _) => (at, Some(trial_end)),
            (_, Some(length)) => (at + done * length, Some(at + (done + 1) * length)),
            (_, None) => (at, None),
        };
        let stopping = matches!(state, "ends" | "canceling");
        let ended_at = if over { Some(until) } else { stopping.then_some(start + 1) };
        let changed = match state {
            "canceled" | "expired" => until,
            _ => start,
        };
        let membership = self.world.books.add_membership(Membership {
            account: self.account,
            member,
            user,
            product,
            variant: row,
            status: match state {
                "ends" | "paused" => "active",
                state => state,
            },
            ends: stopping,
            cancel_option: stopping.then_some("unused"),
            reason: stopping.then(|| "No time at the moment".to_owned()),
            canceled_at: ended_at.filter(|_| state != "expired"),
            paused_at: (state == "paused").then_some(changed + 1),
            created_at: at,
            updated_at: changed + 5_000.min(self.now - changed),
            period_start: Some(start),
            period_end: end,
            period_days: None,
            metadata: if member.is_none() {
                Map::from_iter([("gift".to_owned(), json!(true))])
            } else {
                Map::new()
            },
        });
        if let Some(member) = member {
            self.world.books.members.change(member, |member| {
                member.action = Some(action(state));
                member.action_at = Some(changed);
            });
        }
        if !matches!(state, "drafted" | "unresolved") {
            self.payments(membership, state, done);
        }
    }
}

fn action(state: &str) -> &'static str {
    match state {
        "active" => "paid_subscriber",
        "completed" => "paid_once",
        "trialing" => "trialing",
        "past_due" => "past_due",
        "canceled" | "expired" => "churned",
        "ends" | "canceling" => "canceling",
        "paused" => "paused",
        _ => "joined",
    }
}
