//! What we want a record in Twenty to say, and what it says now. Neither knows how Twenty spells it.

use std::collections::BTreeMap;

use serde::Serialize;
use sha2::{Digest, Sha256};

use super::id::CrmId;
use super::money::Money;
use super::revision::Fingerprint;
use super::schema::Object;
use super::time::Timestamp;

/// A field's name in Twenty, as [`super::schema`] lists it.
pub type FieldName = &'static str;

/// One value of one field, in our words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Value {
    /// Nothing; clears the field.
    Empty,
    Text(String),
    Number(i64),
    Boolean(bool),
    Time(Timestamp),
    Money(Money),
    Link {
        url: String,
        label: String,
    },
    /// An option of a select field, `UPPER_SNAKE`.
    Choice(String),
    Name {
        first: String,
        last: String,
    },
    /// A primary e-mail, lower case.
    Email(String),
    /// A primary phone number, E.164.
    Phone(String),
    /// The other side of a to-one relation.
    Related(CrmId),
}

impl Value {
    /// True if a person looking at the field would see nothing.
    pub fn is_empty(&self) -> bool {
        match self {
            Self::Empty => true,
            Self::Text(text) | Self::Choice(text) | Self::Email(text) | Self::Phone(text) => text.is_empty(),
            Self::Link { url, .. } => url.is_empty(),
            Self::Name { first, last } => first.is_empty() && last.is_empty(),
            Self::Number(_) | Self::Boolean(_) | Self::Time(_) | Self::Money(_) | Self::Related(_) => false,
        }
    }

    /// A short digest, to recognise later what we wrote without keeping it.
    pub fn digest(&self) -> String {
        let mut digest = digest(self);
        digest.truncate(12);
        digest
    }
}

/// A record as Whop's facts would have it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Draft {
    pub object: Object,
    /// The Whop id; the value of the object's unique field.
    pub key: String,
    pub fields: BTreeMap<FieldName, Value>,
}

impl Draft {
    /// An empty draft of the record with this Whop id.
    pub fn new(object: Object, key: &str) -> Self {
        let id = (object.key_field(), Value::Text(key.to_owned()));
        Self { object, key: key.to_owned(), fields: BTreeMap::from([id]) }
    }

    /// The same with one more field.
    #[must_use]
    pub fn with(mut self, field: FieldName, value: impl Into<Value>) -> Self {
        self.fields.insert(field, value.into());
        self
    }

    /// The primary e-mail it would claim, lower case.
    pub fn email(&self) -> Option<&str> {
        match self.fields.get("emails") {
            Some(Value::Email(email)) if !email.is_empty() => Some(email),
            _ => None,
        }
    }

    /// A digest of everything in it and of the settings it will be written under.
    pub fn fingerprint(&self, settings: &str) -> Fingerprint {
        Fingerprint(digest(&(self, settings)))
    }
}

fn digest(value: &impl Serialize) -> String {
    // Our own values always serialise: no maps with odd keys, no floats.
    let text = serde_json::to_vec(value).unwrap_or_default();
    let digest = Sha256::digest(&text);
    hex::encode(digest.get(..16).unwrap_or(&digest))
}

/// A record as Twenty has it now, as far as we asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Existing {
    pub object: Object,
    pub id: CrmId,
    /// The Whop id it carries, if any.
    pub key: Option<String>,
    /// Its primary e-mail, lower case; people only.
    pub email: Option<String>,
    /// True for a record in Twenty's bin; it still holds its unique values.
    pub deleted: bool,
    pub updated_at: Timestamp,
    /// The fields whose policy needs their present value.
    pub fields: BTreeMap<FieldName, Value>,
}

/// What is sent: some fields of one record. New records take `id` as their own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    pub object: Object,
    pub id: CrmId,
    /// The Whop id, by which the answer is recognised.
    pub key: String,
    pub fields: BTreeMap<FieldName, Value>,
}

macro_rules! into_value {
    ($($type:ty => $variant:ident;)+) => {$(
        impl From<$type> for Value {
            fn from(value: $type) -> Self {
                Self::$variant(value)
            }
        }
    )+};
}

into_value! {
    String => Text;
    i64 => Number;
    bool => Boolean;
    Timestamp => Time;
    Money => Money;
    CrmId => Related;
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Empty, Into::into)
    }
}
