//! Rows with sorted indexes, so that any page of any offered order costs what the page costs.

use std::collections::{BTreeSet, HashMap};

/// Where a row stands in an order: its key, then its number.
pub(super) type Place = (Option<i64>, usize);

/// What a table must know about its rows.
pub(super) trait Row {
    /// The account it belongs to.
    fn account(&self) -> usize;
    /// Its place in an order; `created_at` is known to every row.
    fn key(&self, order: &str) -> Option<i64>;
    /// The small sets it is a member of, for the filters that select few rows.
    fn groups(&self) -> Vec<(&'static str, usize)>;
    /// Whether lists show it; a deleted row stays for those that refer to it.
    fn listed(&self) -> bool {
        true
    }
}

/// Rows in the order in which they were made.
#[derive(Debug)]
pub(super) struct Table<T> {
    rows: Vec<T>,
    orders: HashMap<(usize, &'static str), BTreeSet<Place>>,
    groups: HashMap<(&'static str, usize), Vec<usize>>,
    by_account: HashMap<usize, Vec<usize>>,
}

impl<T> Default for Table<T> {
    fn default() -> Self {
        Self { rows: Vec::new(), orders: HashMap::new(), groups: HashMap::new(), by_account: HashMap::new() }
    }
}

impl<T: Row> Table<T> {
    pub(super) fn add(&mut self, row: T) -> usize {
        let number = self.rows.len();
        self.by_account.entry(row.account()).or_default().push(number);
        for group in row.groups() {
            self.groups.entry(group).or_default().push(number);
        }
        self.rows.push(row);
        self.enter(number);
        number
    }

    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }

    pub(super) fn get(&self, number: usize) -> Option<&T> {
        self.rows.get(number)
    }

    /// Changes a row and its places. Neither its account nor its groups may change.
    pub(super) fn change<R>(&mut self, number: usize, change: impl FnOnce(&mut T) -> R) -> R {
        self.withdraw(number);
        let result = change(&mut self.rows[number]);
        self.enter(number);
        result
    }

    /// The rows of a small set, oldest first.
    pub(super) fn group(&self, name: &'static str, of: usize) -> &[usize] {
        self.groups.get(&(name, of)).map_or(&[], Vec::as_slice)
    }

    /// Every row of an account, deleted ones included, in the order in which they were made.
    pub(super) fn of_account(&self, account: usize) -> &[usize] {
        self.by_account.get(&account).map_or(&[], Vec::as_slice)
    }

    /// Makes the index of one order of one account; it is kept up to date from then on.
    pub(super) fn prepare(&mut self, account: usize, order: &'static str) {
        if self.orders.contains_key(&(account, order)) {
            return;
        }
        let places = self.places_among(self.of_account(account), order);
        self.orders.insert((account, order), places);
    }

    /// An index that was prepared.
    pub(super) fn places(&self, account: usize, order: &'static str) -> &BTreeSet<Place> {
        self.orders.get(&(account, order)).expect("an index is prepared before it is read")
    }

    /// The places of a few rows.
    pub(super) fn places_among(&self, rows: &[usize], order: &str) -> BTreeSet<Place> {
        let listed = rows.iter().filter(|row| self.rows[**row].listed());
        listed.map(|row| (self.rows[*row].key(order), *row)).collect()
    }

    fn withdraw(&mut self, number: usize) {
        let row = &self.rows[number];
        for ((account, order), places) in &mut self.orders {
            if *account == row.account() {
                places.remove(&(row.key(order), number));
            }
        }
    }

    fn enter(&mut self, number: usize) {
        let row = &self.rows[number];
        for ((account, order), places) in &mut self.orders {
            if *account == row.account() && row.listed() {
                places.insert((row.key(order), number));
            }
        }
    }
}

impl<T> std::ops::Index<usize> for Table<T> {
    type Output = T;
    fn index(&self, number: usize) -> &T {
        &self.rows[number]
    }
}
