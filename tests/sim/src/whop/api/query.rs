//! The query of a call, read the way Whop reads it: unknown names are ignored (and noted), known names with
//! impossible values are refused, arrays may be spelled `ids=a&ids=b` or `ids[]=a`.

use super::Refusal;
use crate::clock::from_iso;

/// Name and value pairs in the order of the address.
#[derive(Clone, Debug, Default)]
pub(in crate::whop) struct Query(Vec<(String, String)>);

impl Query {
    pub(in crate::whop) fn parse(raw: &str) -> Self {
        Self(url::form_urlencoded::parse(raw.as_bytes()).into_owned().collect())
    }

    pub(in crate::whop) fn get(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }

    /// Every value of an array filter, in both spellings, and of its singular form.
    pub(super) fn all(&self, plural: &str, singular: &str) -> Vec<&str> {
        let names = |name: &str| {
            let bare = name.strip_suffix("[]").unwrap_or(name);
            bare == plural || bare == singular
        };
        let found = self.0.iter().filter(|(name, _)| names(name));
        found.map(|(_, value)| value.as_str()).collect()
    }

    /// A value that must be one of these.
    pub(super) fn one_of(
        &self,
        name: &str,
        values: &[&'static str],
    ) -> Result<Option<&'static str>, Refusal> {
        let Some(given) = self.get(name) else {
            return Ok(None);
        };
        match values.iter().find(|known| **known == given) {
            Some(known) => Ok(Some(known)),
            None => Err(Refusal::bad(format!("{name} must be one of {}", values.join(", ")))),
        }
    }

    /// A moment in ISO 8601, in Unix milliseconds.
    pub(super) fn time(&self, name: &str) -> Result<Option<i64>, Refusal> {
        let Some(given) = self.get(name) else {
            return Ok(None);
        };
        let refusal = || Refusal::bad(format!("{name} must be an ISO 8601 timestamp"));
        from_iso(given).map(Some).ok_or_else(refusal)
    }

    pub(super) fn number(&self, name: &str) -> Result<Option<i64>, Refusal> {
        let Some(given) = self.get(name) else {
            return Ok(None);
        };
        let refusal = || Refusal::bad(format!("{name} must be an integer"));
        given.parse().map(Some).map_err(|_| refusal())
    }

    /// The names that are not in `known`.
    pub(super) fn unknown(&self, known: &[&str]) -> Vec<String> {
        let bare = |name: &String| name.strip_suffix("[]").unwrap_or(name).to_owned();
        let names = self.0.iter().map(|(name, _)| bare(name));
        names.filter(|name| !known.contains(&name.as_str())).collect()
    }

    /// What a cursor is valid for: every filter, but not the page.
    pub(super) fn fingerprint(&self) -> String {
        let paging = ["first", "last", "after", "before"];
        let mut filters: Vec<String> = self
            .0
            .iter()
            .filter(|(name, _)| !paging.contains(&name.as_str()))
            .map(|(name, value)| format!("{}={value}", name.strip_suffix("[]").unwrap_or(name)))
            .collect();
        filters.sort();
        filters.join("&")
    }
}
