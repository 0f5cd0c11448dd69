//! What the objects and fields of a workspace are: types, columns, names. It holds no record.

use serde_json::Value;
use uuid::Uuid;

/// A field type of Twenty's metadata.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Actor,
    Address,
    Array,
    Boolean,
    Currency,
    Date,
    DateTime,
    Emails,
    Files,
    FullName,
    Links,
    MorphRelation,
    MultiSelect,
    Number,
    Numeric,
    Phones,
    Position,
    Rating,
    RawJson,
    Relation,
    RichText,
    Select,
    Text,
    TsVector,
    Uuid,
}

/// Every type with the name it has on the wire, in the order of Twenty's own error message.
pub(super) const KINDS: [(Kind, &str); 25] = [
    (Kind::Actor, "ACTOR"),
    (Kind::Address, "ADDRESS"),
    (Kind::Array, "ARRAY"),
    (Kind::Boolean, "BOOLEAN"),
    (Kind::Currency, "CURRENCY"),
    (Kind::Date, "DATE"),
    (Kind::DateTime, "DATE_TIME"),
    (Kind::Emails, "EMAILS"),
    (Kind::Files, "FILES"),
    (Kind::FullName, "FULL_NAME"),
    (Kind::Links, "LINKS"),
    (Kind::MorphRelation, "MORPH_RELATION"),
    (Kind::MultiSelect, "MULTI_SELECT"),
    (Kind::Number, "NUMBER"),
    (Kind::Numeric, "NUMERIC"),
    (Kind::Phones, "PHONES"),
    (Kind::Position, "POSITION"),
    (Kind::Rating, "RATING"),
    (Kind::RawJson, "RAW_JSON"),
    (Kind::Relation, "RELATION"),
    (Kind::RichText, "RICH_TEXT"),
    (Kind::Select, "SELECT"),
    (Kind::Text, "TEXT"),
    (Kind::TsVector, "TS_VECTOR"),
    (Kind::Uuid, "UUID"),
];

/// How an empty column is read back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Empty {
    /// `""`
    Text,
    /// `[]`
    List,
    /// `null`
    Null,
}

impl Kind {
    pub(super) fn name(self) -> &'static str {
        KINDS.iter().find(|(kind, _)| *kind == self).unwrap().1
    }

    pub(super) fn parse(name: &str) -> Option<Self> {
        KINDS.iter().find(|(_, known)| *known == name).map(|(kind, _)| *kind)
    }

    /// The sub-fields of a composite type; none for a plain one.
    pub(super) fn parts(self) -> &'static [(&'static str, Empty)] {
        match self {
            Self::FullName => &[("firstName", Empty::Text), ("lastName", Empty::Text)],
            Self::Emails => &[("primaryEmail", Empty::Text), ("additionalEmails", Empty::List)],
            Self::Links => &[
                ("primaryLinkUrl", Empty::Text),
                ("primaryLinkLabel", Empty::Text),
                ("secondaryLinks", Empty::List),
            ],
            Self::Phones => &[
                ("primaryPhoneNumber", Empty::Text),
                ("primaryPhoneCountryCode", Empty::Text),
                ("primaryPhoneCallingCode", Empty::Text),
                ("additionalPhones", Empty::List),
            ],
            Self::Currency => &[("amountMicros", Empty::Null), ("currencyCode", Empty::Null)],
            Self::Address => &[
                ("addressStreet1", Empty::Text),
                ("addressStreet2", Empty::Text),
                ("addressCity", Empty::Text),
                ("addressPostcode", Empty::Text),
                ("addressState", Empty::Text),
                ("addressCountry", Empty::Text),
                ("addressLat", Empty::Null),
                ("addressLng", Empty::Null),
            ],
            Self::Actor => &[
                ("source", Empty::Null),
                ("workspaceMemberId", Empty::Null),
                ("name", Empty::Text),
                ("context", Empty::Null),
            ],
            Self::RichText => &[("blocknote", Empty::Text), ("markdown", Empty::Text)],
            _ => &[],
        }
    }

    pub(super) fn empty(self) -> Empty {
        match self {
            Self::Text | Self::TsVector => Empty::Text,
            Self::MultiSelect | Self::Array => Empty::List,
            _ => Empty::Null,
        }
    }

    /// What Twenty's messages call the type.
    pub(super) fn spoken(self) -> String {
        self.name().to_lowercase().replace('_', " ")
    }
}

/// Where a relation field leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Relation {
    /// This row holds the id of a row of `target`.
    ToOne { target: Uuid },
    /// Rows of `source` hold our id in their field `field`.
    ToMany { source: Uuid, field: Uuid },
}

/// The column a value lives in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Column {
    Id,
    CreatedAt,
    UpdatedAt,
    DeletedAt,
    CreatedBy(usize),
    UpdatedBy(usize),
    Search,
    /// Field number × 16 + part number.
    Cell(u16),
}

/// A field of an object.
#[expect(clippy::struct_excessive_bools, reason = "the metadata has that many flags")]
#[derive(Clone, Debug)]
pub(super) struct Field {
    pub id: Uuid,
    pub universal: Uuid,
    pub standard: bool,
    pub name: String,
    pub label: String,
    pub kind: Kind,
    pub description: Option<String>,
    pub icon: Option<String>,
    pub active: bool,
    pub system: bool,
    pub nullable: bool,
    pub unique: bool,
    pub default: Value,
    pub options: Value,
    pub settings: Value,
    pub created_at: i64,
    pub updated_at: i64,
    pub relation: Option<Relation>,
    /// Its place is kept, so that the columns of the others do not move.
    pub deleted: bool,
}

impl Field {
    /// The key under which its value is read and written; none for a to-many relation.
    pub(super) fn key(&self) -> Option<String> {
        match self.relation {
            None => Some(self.name.clone()),
            Some(Relation::ToOne { .. }) => Some(format!("{}Id", self.name)),
            Some(Relation::ToMany { .. }) => None,
        }
    }

    pub(super) fn option_values(&self) -> Vec<&str> {
        let options = self.options.as_array().map(Vec::as_slice).unwrap_or_default();
        options.iter().filter_map(|option| option["value"].as_str()).collect()
    }

    /// The default as a stored value: text defaults are quoted twice in the metadata.
    pub(super) fn default_value(&self) -> Value {
        match &self.default {
            Value::String(text) => match text.strip_prefix('\'').and_then(|rest| rest.strip_suffix('\'')) {
                Some(inner) => Value::from(inner),
                None => Value::Null,
            },
            Value::Bool(_) | Value::Number(_) => self.default.clone(),
            _ => Value::Null,
        }
    }
}

/// A place to write or read: a field and which part of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Spot {
    pub field: usize,
    pub part: usize,
    pub column: Column,
}

/// The column of part `part` of field number `field` called `name`.
pub(super) fn column_of(name: &str, field: usize, part: usize) -> Column {
    match name {
        "id" => Column::Id,
        "createdAt" => Column::CreatedAt,
        "updatedAt" => Column::UpdatedAt,
        "deletedAt" => Column::DeletedAt,
        "createdBy" => Column::CreatedBy(part),
        "updatedBy" => Column::UpdatedBy(part),
        "searchVector" => Column::Search,
        _ => Column::Cell(cell(field, part)),
    }
}

pub(super) fn cell(field: usize, part: usize) -> u16 {
    u16::try_from(field * 16 + part).expect("fewer than 4096 fields on an object")
}
