//! The lives of members and memberships: every change, with the events that Whop sends for it.

use serde_json::{Map, Value};

use super::events::Subject;
use super::records::{Member, Membership, User};
use super::render::was;
use super::render_people::period_ms;
use super::world::World;

const DAY: i64 = 86_400_000;

/// A purchase as the checkout sees it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Purchase<'a> {
    pub(super) account: usize,
    pub(super) name: &'a str,
    pub(super) email: &'a str,
    pub(super) variant: usize,
}

impl World {
    pub(super) fn told(&mut self, now: i64, event: &str, subject: Subject) {
        self.emit(now, event, subject, &Map::new());
    }

    /// A purchase through checkout: the buyer becomes a member, pays, and the membership opens.
    pub(super) fn buy(&mut self, now: i64, purchase: Purchase<'_>) -> usize {
        let user = self.user_at_checkout(now, purchase.name, purchase.email);
        let member = self.member_at_checkout(now, purchase.account, user);
        let variant = self.books.variants[purchase.variant].clone();
        let membership = self.books.add_membership(Membership {
            account: purchase.account,
            member: Some(member),
            user: Some(user),
            product: variant.product,
            variant: purchase.variant,
            status: "drafted",
            ends: false,
            cancel_option: None,
            reason: None,
            canceled_at: None,
            paused_at: None,
            created_at: now,
            updated_at: now,
            period_start: Some(now),
            period_end: None,
            period_days: None,
            metadata: Map::new(),
        });
        let reason = match variant.period_days {
            Some(_) => "subscription_create",
            None => "one_time",
        };
        self.charge(now, membership, variant.due(), reason);
        match (variant.period_days, variant.trial_days) {
            (_, Some(_)) => self.trial(now, membership),
            (Some(_), None) => self.activate(now, membership),
            (None, None) => self.complete(now, membership),
        }
        membership
    }

    fn user_at_checkout(&mut self, now: i64, name: &str, email: &str) -> usize {
        if let Some(user) = self.books.users_by_email.get(&email.to_lowercase()) {
            return *user;
        }
        let number = self.books.users.len();
        let stem: String = name.chars().filter(char::is_ascii_alphanumeric).collect();
        self.books.add_user(User {
            name: Some(name.to_owned()).filter(|name| !name.is_empty()),
            username: format!("{}{number}", stem.to_lowercase()),
            email: Some(email.to_owned()).filter(|email| !email.is_empty()),
            phone: None,
            created_at: now,
        })
    }

    fn member_at_checkout(&mut self, now: i64, account: usize, user: usize) -> usize {
        let known = self.books.members.group("user", user).iter().copied();
        let books = &self.books;
        let known = known.clone().find(|row| books.members[*row].account == account);
        if let Some(member) = known {
            if self.books.members[member].left {
                self.books.members.change(member, |member| member.left = false);
                self.touch_member(now, member, "joined");
            }
            return member;
        }
        let member = self.books.members.add(Member {
            account,
            user: Some(user),
            business: None,
            left: false,
            created_at: now,
            joined_at: now,
            last_accessed_at: None,
            action: Some("joined"),
            action_at: Some(now),
            spent: 0,
        });
        self.told(now, "member.created", Subject::Member(member));
        member
    }

    /// Moves the lifecycle tag of a member.
    pub(super) fn touch_member(&mut self, now: i64, member: usize, action: &'static str) {
        self.books.members.change(member, |member| {
            member.action = Some(action);
            member.action_at = Some(now);
        });
        self.told(now, "member.updated", Subject::Member(member));
    }

    /// Moves the lifecycle tag of a membership's member to what the membership now says.
    pub(super) fn touch_member_of(&mut self, now: i64, membership: usize) {
        let row = &self.books.memberships[membership];
        let Some(member) = row.member else { return };
        let action = match row.status {
            _ if row.paused_at.is_some() => "paused",
            "trialing" => "trialing",
            "active" | "canceling" if row.ends => "canceling",
            "active" => "paid_subscriber",
            "past_due" => "past_due",
            "completed" => "paid_once",
            "canceled" | "expired" => "churned",
            _ => "joined",
        };
        self.touch_member(now, member, action);
    }

    /// Sets a status and tells it the way Whop does: what opens the door is told twice.
    fn become_status(
        &mut self,
        now: i64,
        row: usize,
        status: &'static str,
        change: impl FnOnce(&mut Membership),
    ) {
        let before = self.books.memberships[row].clone();
        self.books.change_membership(row, now, |membership| {
            membership.status = status;
            change(membership);
        });
        let subject = Subject::Membership(row);
        let after = &self.books.memberships[row];
        let opens = after.grants_access() && matches!(before.status, "past_due" | "drafted" | "unresolved");
        let opens = opens || (after.grants_access() && !before.grants_access());
        let closes = !after.grants_access() && before.grants_access();
        if opens && status != "past_due" {
            self.told(now, "membership.activated", subject);
        }
        let previous = if before.status == status { Map::new() } else { was("status", before.status) };
        self.emit(now, "membership.updated", subject, &previous);
        if closes {
            self.told(now, "membership.deactivated", subject);
        }
        self.touch_member_of(now, row);
    }

    fn new_period(&self, now: i64, row: usize) -> (Option<i64>, Option<i64>) {
        let membership = &self.books.memberships[row];
        let variant = &self.books.variants[membership.variant];
        let length = period_ms(membership, variant).or(variant.expiration_days.map(|days| days * DAY));
        (Some(now), length.map(|length| now + length))
    }

    pub(super) fn activate(&mut self, now: i64, row: usize) {
        let (start, end) = self.new_period(now, row);
        self.become_status(now, row, "active", |membership| {
            (membership.period_start, membership.period_end) = (start, end);
            (membership.ends, membership.canceled_at) = (false, None);
            (membership.cancel_option, membership.reason) = (None, None);
        });
    }

    pub(super) fn trial(&mut self, now: i64, row: usize) {
        let variant = &self.books.variants[self.books.memberships[row].variant];
        let days = variant.trial_days.unwrap_or(7);
        self.become_status(now, row, "trialing", |membership| {
            membership.period_start = Some(now);
            membership.period_end = Some(now + days * DAY);
        });
    }

    pub(super) fn trial_ending_soon(&mut self, now: i64, row: usize) {
        self.told(now, "membership.trial_ending_soon", Subject::Membership(row));
    }

    pub(super) fn complete(&mut self, now: i64, row: usize) {
        let (start, end) = self.new_period(now, row);
        self.become_status(now, row, "completed", |membership| {
            (membership.period_start, membership.period_end) = (start, end);
        });
    }

    pub(super) fn past_due(&mut self, now: i64, row: usize) {
        self.become_status(now, row, "past_due", |_| {});
    }

    /// The open payment is collected after all, or a new one, and the membership is valid again.
    pub(super) fn recover(&mut self, now: i64, row: usize) {
        let payments = self.books.payments.group("membership", row);
        let books = &self.books;
        let open = payments.iter().rev().copied();
        match open.clone().find(|payment| books.payments[*payment].status == "open") {
            Some(payment) => self.collect(now, payment),
            None => drop(self.charge_renewal(now, row)),
        }
        self.activate(now, row);
    }

    /// Schedules a cancellation for the end of the period, or takes it back.
    pub(super) fn schedule_cancel(&mut self, now: i64, row: usize, ends: bool, reason: Option<&str>) {
        self.books.change_membership(row, now, |membership| {
            membership.ends = ends;
            membership.canceled_at = ends.then_some(now);
            membership.cancel_option = ends.then_some("too_expensive");
            membership.reason = reason.filter(|_| ends).map(str::to_owned);
        });
        let subject = Subject::Membership(row);
        self.emit(now, "membership.updated", subject, &was("cancel_at_period_end", !ends));
        self.told(now, "membership.cancel_at_period_end_changed", subject);
        self.touch_member_of(now, row);
    }

    pub(super) fn cancel(&mut self, now: i64, row: usize, reason: Option<&str>) {
        self.become_status(now, row, "canceled", |membership| {
            membership.canceled_at = Some(membership.canceled_at.unwrap_or(now));
            membership.reason = reason.map(str::to_owned).or(membership.reason.take());
        });
    }

    pub(super) fn expire(&mut self, now: i64, row: usize) {
        self.become_status(now, row, "expired", |membership| {
            membership.period_end = Some(membership.period_end.map_or(now, |end| end.min(now)));
        });
    }

    /// Stops or restarts charging; Whop promises no event for it.
    pub(super) fn pause(&mut self, now: i64, row: usize, paused: bool) {
        self.books.change_membership(row, now, |membership| {
            membership.paused_at = paused.then_some(now);
        });
        self.touch_member_of(now, row);
    }

    /// Adds free days; Whop promises no event for it.
    pub(super) fn extend(&mut self, now: i64, row: usize, days: i64) {
        self.books.change_membership(row, now, |membership| {
            membership.period_end = membership.period_end.map(|end| end + days * DAY);
        });
    }

    /// The seller's own edits: cadence and metadata.
    pub(super) fn edit_membership(&mut self, now: i64, row: usize, edit: MembershipEdit) {
        let mut previous = Map::new();
        if let Some(days) = edit.period_days {
            let membership = &self.books.memberships[row];
            let variant = &self.books.variants[membership.variant];
            let before: Value = membership.period_days.or(variant.period_days).into();
            previous.insert("billing_period_days".to_owned(), before);
            self.books.change_membership(row, now, |membership| {
                membership.period_days = Some(days);
            });
        }
        if let Some(metadata) = edit.metadata {
            self.books.change_membership(row, now, |membership| {
                if metadata.is_empty() {
                    membership.metadata.clear();
                }
                membership.metadata.extend(metadata);
            });
        }
        if !previous.is_empty() {
            self.emit(now, "membership.updated", Subject::Membership(row), &previous);
        }
    }

    /// The person's e-mail changes everywhere: every account that has the person as a member is told.
    pub(super) fn change_email(&mut self, now: i64, member: usize, email: Option<&str>) {
        let user = self.books.members[member].user.expect("a business has no e-mail");
        if let Some(old) = self.books.users[user].email.take() {
            self.books.users_by_email.remove(&old.to_lowercase());
        }
        if let Some(email) = email {
            self.books.users_by_email.insert(email.to_lowercase(), user);
        }
        self.books.users[user].email = email.map(str::to_owned);
        self.tell_members_of(now, user);
    }

    pub(super) fn rename_member(&mut self, now: i64, member: usize, name: &str) {
        if let Some(user) = self.books.members[member].user {
            self.books.users[user].name = Some(name.to_owned());
            self.tell_members_of(now, user);
        } else {
            self.books.members.change(member, |member| {
                member.business = Some(name.to_owned());
            });
            self.told(now, "member.updated", Subject::Member(member));
        }
    }

    fn tell_members_of(&mut self, now: i64, user: usize) {
        for member in self.books.members.group("user", user).to_vec() {
            self.told(now, "member.updated", Subject::Member(member));
        }
    }

    /// The member goes, and with the member every membership that still grants access.
    pub(super) fn leave(&mut self, now: i64, member: usize) {
        for row in self.books.memberships.group("member", member).to_vec() {
            if self.books.memberships[row].grants_access() {
                self.cancel(now, row, None);
            }
        }
        self.books.members.change(member, |member| member.left = true);
        self.touch_member(now, member, "left");
    }
}

/// What `PATCH /memberships/{id}` may change besides the scheduled cancellation.
#[derive(Clone, Debug, Default)]
pub(super) struct MembershipEdit {
    pub(super) period_days: Option<i64>,
    pub(super) metadata: Option<Map<String, Value>>,
}
