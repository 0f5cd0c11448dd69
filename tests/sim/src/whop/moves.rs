//! Lives moved along by a test, told as Whop tells them. An id that does not exist is a mistake of the test
//! and stops it.

use serde_json::Map;

use super::handle::{Whop, row};
use super::money::currency;
use super::records::{ACCOUNT, DISPUTE, MEMBER, MEMBERSHIP, PAYMENT, PRODUCT, REFUND, VARIANT};
use super::sales::NewVariant;
use super::{ids, life};

impl Whop {
    /// A purchase through checkout, told as Whop tells it. Returns the membership.
    pub fn buy(&self, account: &str, name: &str, email: &str, variant: &str) -> String {
        let purchase =
            life::Purchase { account: row(ACCOUNT, account), name, email, variant: row(VARIANT, variant) };
        self.with(|world, now| ids::name(MEMBERSHIP, world.buy(now, purchase)))
    }

    /// The membership becomes active, from whatever it was.
    pub fn activate(&self, membership: &str) {
        self.with(|world, now| world.activate(now, row(MEMBERSHIP, membership)));
    }

    /// The membership becomes a trial.
    pub fn trial(&self, membership: &str) {
        self.with(|world, now| world.trial(now, row(MEMBERSHIP, membership)));
    }

    /// Only the reminder; nothing changes.
    pub fn trial_ending_soon(&self, membership: &str) {
        self.with(|world, now| world.trial_ending_soon(now, row(MEMBERSHIP, membership)));
    }

    /// A charge did not go through; access stays for a while.
    pub fn past_due(&self, membership: &str) {
        self.with(|world, now| world.past_due(now, row(MEMBERSHIP, membership)));
    }

    /// The open payment is collected and the membership valid again.
    pub fn recover(&self, membership: &str) {
        self.with(|world, now| world.recover(now, row(MEMBERSHIP, membership)));
    }

    /// The membership will end with its period.
    pub fn schedule_cancel(&self, membership: &str) {
        let reason = Some("Budget cut");
        self.with(|world, now| world.schedule_cancel(now, row(MEMBERSHIP, membership), true, reason));
    }

    /// The scheduled cancellation is taken back.
    pub fn undo_cancel(&self, membership: &str) {
        self.with(|world, now| world.schedule_cancel(now, row(MEMBERSHIP, membership), false, None));
    }

    /// Access ends at once.
    pub fn cancel(&self, membership: &str) {
        self.with(|world, now| world.cancel(now, row(MEMBERSHIP, membership), None));
    }

    /// The membership ran out.
    pub fn expire(&self, membership: &str) {
        self.with(|world, now| world.expire(now, row(MEMBERSHIP, membership)));
    }

    /// A one-time purchase is done, or all instalments are paid.
    pub fn complete(&self, membership: &str) {
        self.with(|world, now| world.complete(now, row(MEMBERSHIP, membership)));
    }

    /// Charging stops, access stays; Whop promises no event.
    pub fn pause(&self, membership: &str) {
        self.with(|world, now| world.pause(now, row(MEMBERSHIP, membership), true));
    }

    /// Charging starts again; Whop promises no event.
    pub fn resume(&self, membership: &str) {
        self.with(|world, now| world.pause(now, row(MEMBERSHIP, membership), false));
    }

    /// Free days are added, for which the member does nothing; Whop promises no event.
    pub fn extend(&self, membership: &str, days: i64) {
        self.with(|world, now| world.extend(now, row(MEMBERSHIP, membership), days));
    }

    /// A renewal is collected. Returns the payment.
    pub fn pay(&self, membership: &str) -> String {
        self.with(|world, now| ids::name(PAYMENT, world.pay(now, row(MEMBERSHIP, membership))))
    }

    /// A renewal is declined and the membership is past due. Returns the payment.
    pub fn fail_payment(&self, membership: &str) -> String {
        let code = "insufficient_funds";
        self.with(|world, now| ids::name(PAYMENT, world.fail_payment(now, row(MEMBERSHIP, membership), code)))
    }

    /// Money goes back: `partial` minor units, or all that is left. Returns the refund.
    pub fn refund(&self, payment: &str, partial: Option<i64>) -> String {
        let payment = row(PAYMENT, payment);
        self.with(|world, now| ids::name(REFUND, world.refund(now, payment, partial, Map::new())))
    }

    /// The network warns of a dispute to come.
    pub fn dispute_alert(&self, payment: &str) {
        self.with(|world, now| world.dispute_alert(now, row(PAYMENT, payment)));
    }

    /// The buyer's bank wants the money back. Returns the dispute.
    pub fn dispute_open(&self, payment: &str) -> String {
        self.with(|world, now| ids::name(DISPUTE, world.dispute_open(now, row(PAYMENT, payment))))
    }

    /// The seller keeps the money.
    pub fn dispute_won(&self, dispute: &str) {
        self.with(|world, now| world.dispute_move(now, row(DISPUTE, dispute), "won"));
    }

    /// The seller loses the money.
    pub fn dispute_lost(&self, dispute: &str) {
        self.with(|world, now| world.dispute_move(now, row(DISPUTE, dispute), "lost"));
    }

    /// The person's e-mail, on every account.
    pub fn change_email(&self, member: &str, email: Option<&str>) {
        self.with(|world, now| world.change_email(now, row(MEMBER, member), email));
    }

    /// The person's name, on every account.
    pub fn rename_member(&self, member: &str, name: &str) {
        self.with(|world, now| world.rename_member(now, row(MEMBER, member), name));
    }

    /// The member goes, and every membership that still grants access is canceled.
    pub fn leave(&self, member: &str) {
        self.with(|world, now| world.leave(now, row(MEMBER, member)));
    }

    /// A new product. Returns its id.
    pub fn product_create(&self, account: &str, title: &str) -> String {
        self.with(|world, now| ids::name(PRODUCT, world.product_create(now, row(ACCOUNT, account), title)))
    }

    /// A new title.
    pub fn product_update(&self, product: &str, title: &str) {
        self.with(|world, now| world.product_update(now, row(PRODUCT, product), title));
    }

    /// The product and its variants go; memberships keep referring to them.
    pub fn product_delete(&self, product: &str) {
        self.with(|world, now| world.product_delete(now, row(PRODUCT, product)));
    }

    /// A new variant of a product. Returns its id.
    pub fn variant_create(&self, product: &str, new: NewVariant) -> String {
        assert!(currency(new.currency).is_some(), "{} is not sold here", new.currency);
        self.with(|world, now| ids::name(VARIANT, world.variant_create(now, row(PRODUCT, product), new)))
    }

    /// A new price in minor units: the renewal's, or the only one of a one-time purchase.
    pub fn variant_update(&self, variant: &str, price: i64) {
        self.with(|world, now| world.variant_update(now, row(VARIANT, variant), price));
    }

    /// The variant goes; memberships keep referring to it.
    pub fn variant_delete(&self, variant: &str) {
        self.with(|world, now| world.variant_delete(now, row(VARIANT, variant)));
    }
}
