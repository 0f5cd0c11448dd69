//! What is missing in a workspace's data model, and in which order it is made. Pure: it compares what is there
//! with `domain::schema` and never calls anybody.

use serde_json::{Map, Value as Json, json};

use super::model::{Model, name, option_values};
use super::wire::FieldThere;
use crate::domain::contract::record;
use crate::domain::schema::{FIELDS, Field, Kind, Object, option_label, option_value};

/// Which part of our data model is wanted.
#[derive(Clone, Copy)]
pub(crate) enum Wanted<'a> {
    /// What the sync writes; `stages` are the stages an opportunity may be put in.
    Mirror { stages: &'a [String] },
    /// The records of contracts.
    Contracts,
}

impl Wanted<'_> {
    fn objects(self) -> &'static [Object] {
        match self {
            Self::Mirror { .. } => &Object::ALL,
            Self::Contracts => &[Object::Contract],
        }
    }

    fn fields(self) -> &'static [Field] {
        match self {
            Self::Mirror { .. } => FIELDS,
            Self::Contracts => record::FIELDS,
        }
    }

    fn stages(&self) -> &[String] {
        match self {
            Self::Mirror { stages } => stages,
            Self::Contracts => &[],
        }
    }
}

/// One change of the data model; one call.
#[derive(Clone)]
pub(super) enum Step {
    MakeObject(Object),
    WakeObject { object: Object, id: String },
    MakeField { field: &'static Field, body: Json },
    WakeField { field: &'static Field, id: String },
    MakeUnique { field: &'static Field, id: String },
    SetOptions { field: &'static Field, id: String, options: Json },
}

impl Step {
    /// What it is about: `person.whopStatus`.
    pub(super) fn subject(&self) -> String {
        match self {
            Self::MakeObject(object) | Self::WakeObject { object, .. } => object.singular().to_owned(),
            Self::MakeField { field, .. }
            | Self::WakeField { field, .. }
            | Self::MakeUnique { field, .. }
            | Self::SetOptions { field, .. } => name(field),
        }
    }

    /// A text that is the same for the same step, to see that it was tried.
    pub(super) fn label(&self) -> String {
        let verb = match self {
            Self::MakeObject(_) | Self::MakeField { .. } => "make",
            Self::WakeObject { .. } | Self::WakeField { .. } => "wake",
            Self::MakeUnique { .. } => "make unique",
            Self::SetOptions { .. } => "add options to",
        };
        format!("{verb} {}", self.subject())
    }
}

/// What is still to do, in order, and what only a person can mend.
#[derive(Default)]
pub(super) struct Plan {
    pub(super) steps: Vec<Step>,
    pub(super) problems: Vec<String>,
}

/// Compares the model with what we want.
pub(super) fn plan(model: &Model, wanted: Wanted<'_>) -> Plan {
    let mut plan = Plan::default();
    if let Some(strange) = strangers(model, wanted) {
        plan.problems.push(strange);
        return plan;
    }
    for object in wanted.objects() {
        plan.object(model, *object);
    }
    for field in wanted.fields() {
        let Some(object) = model.object(field.object) else {
            continue;
        };
        match object.fields.iter().find(|it| it.name == field.name) {
            Some(there) => plan.present(field, there, wanted.stages()),
            None => plan.absent(model, field, &object.id),
        }
    }
    plan
}

impl Plan {
    fn object(&mut self, model: &Model, object: Object) {
        let singular = object.singular();
        match model.object(object) {
            None if object.is_standard() => self.problems.push(format!(
                "The object {singular} is missing in Twenty; restore it in Twenty → Settings → Data model, then sync again"
            )),
            None => self.steps.push(Step::MakeObject(object)),
            Some(there) if there.is_active != Some(false) => {}
            Some(_) if object.is_standard() => self.problems.push(format!(
                "The object {singular} is deactivated; activate it in Twenty → Settings → Data model, then sync again"
            )),
            Some(there) => self.steps.push(Step::WakeObject {
                object,
                id: there.id.clone(),
            }),
        }
    }

    fn absent(&mut self, model: &Model, field: &'static Field, object_id: &str) {
        if field.standard {
            self.problems.push(format!(
                "{} is missing in Twenty; restore it in Twenty → Settings → Data model, then sync again",
                name(field)
            ));
            return;
        }
        let target = match field.kind {
            Kind::Relation(target) => match model.object(target) {
                Some(there) => Some(there.id.as_str()),
                None => return, // The object comes first, and has a step or a problem of its own.
            },
            Kind::Text
            | Kind::Key
            | Kind::Number
            | Kind::Boolean
            | Kind::DateTime
            | Kind::Currency
            | Kind::Link
            | Kind::Choice(_)
            | Kind::FullName
            | Kind::Emails
            | Kind::Phones => None,
        };
        let body = body(field, object_id, target);
        self.steps.push(Step::MakeField { field, body });
    }

    fn present(&mut self, field: &'static Field, there: &FieldThere, stages: &[String]) {
        if let Some(clash) = clash(field, there) {
            self.problems.push(clash);
            return;
        }
        let id = there.id.clone();
        // A field of Twenty's own that somebody hid stays hidden: it can be written all the same.
        if !field.standard && there.is_active == Some(false) {
            self.steps.push(Step::WakeField { field, id });
            return;
        }
        if field.kind == Kind::Key && there.is_unique != Some(true) {
            self.steps.push(Step::MakeUnique { field, id });
            return;
        }
        if let Kind::Choice(words) = field.kind {
            let wanted = if is_stage(field) { stages.to_vec() } else { values(words) };
            if let Some(options) = union(there, &wanted) {
                self.steps.push(Step::SetOptions { field, id, options });
            }
        }
    }
}

/// An object of the name we give to contracts that somebody else made: it must not be filled with our fields. Ours has
/// our key, or at least, where we stopped before making that, our description.
fn strangers(model: &Model, wanted: Wanted<'_>) -> Option<String> {
    let Wanted::Contracts = wanted else { return None };
    let there = model.object(Object::Contract)?;
    let has_key = there.fields.iter().any(|field| field.name == Object::Contract.key_field());
    let ours = has_key || there.description.as_deref() == Some(Object::Contract.description());
    (!ours).then(|| {
        "Twenty has an object contract that is not ours, so contracts have no records there; rename that object in \
         Twenty → Settings → Data model. Notes and files are written all the same"
            .to_owned()
    })
}

fn is_stage(field: &Field) -> bool {
    field.object == Object::Opportunity && field.name == "stage"
}

fn values(words: &[&str]) -> Vec<String> {
    let mut values: Vec<String> = Vec::with_capacity(words.len());
    for value in words.iter().map(|word| option_value(word)) {
        if !values.contains(&value) {
            values.push(value);
        }
    }
    values
}

/// Why a field that is there cannot be ours. Twenty ignores a change of type, so only a person can mend it.
fn clash(field: &Field, there: &FieldThere) -> Option<String> {
    let mend = "rename or delete that field in Twenty → Settings → Data model, then sync again";
    if there.kind != type_name(field.kind) {
        return Some(format!("{} exists with type {}; {mend}", name(field), there.kind));
    }
    let (Kind::Relation(wanted), Some(relation)) = (field.kind, &there.relation) else {
        return None;
    };
    let target = relation.target_object_metadata.as_ref().map(|it| it.name_singular.as_str());
    let right = relation.kind == "MANY_TO_ONE" && target.is_none_or(|target| target == wanted.singular());
    (!right).then(|| {
        let target = target.unwrap_or("another object");
        format!("{} exists as a {} relation to {target}; {mend}", name(field), relation.kind)
    })
}

/// All options of a select field with the wanted ones added; nothing if they are all there. Twenty replaces the
/// whole list, so those that are there go back exactly as they came.
pub(super) fn union(there: &FieldThere, wanted: &[String]) -> Option<Json> {
    let known = option_values(there);
    let missing: Vec<String> = wanted.iter().filter(|it| !known.contains(it)).cloned().collect();
    if missing.is_empty() {
        return None;
    }
    let positions = there.options.iter().flatten().filter_map(|option| option.get("position")?.as_u64());
    let next = positions.max().map_or(0, |last| last + 1);
    let kept = there.options.iter().flatten().cloned().map(Json::Object);
    Some(kept.chain(new_options(&missing, next)).collect())
}

fn new_options(values: &[String], first: u64) -> impl Iterator<Item = Json> {
    const COLORS: [&str; 10] =
        ["green", "turquoise", "sky", "blue", "purple", "pink", "red", "orange", "yellow", "gray"];
    values.iter().zip(first..).zip(COLORS.into_iter().cycle()).map(|((value, position), color)| {
        json!({"value": value, "label": option_label(value), "color": color, "position": position})
    })
}

/// Twenty's name of a type, and an icon of its set.
fn type_and_icon(kind: Kind) -> (&'static str, &'static str) {
    match kind {
        Kind::Text => ("TEXT", "IconTypography"),
        Kind::Key => ("TEXT", "IconKey"),
        Kind::Number => ("NUMBER", "IconNumber9"),
        Kind::Boolean => ("BOOLEAN", "IconToggleRight"),
        Kind::DateTime => ("DATE_TIME", "IconCalendarTime"),
        Kind::Currency => ("CURRENCY", "IconCurrencyDollar"),
        Kind::Link => ("LINKS", "IconLink"),
        Kind::Choice(_) => ("SELECT", "IconTag"),
        Kind::FullName => ("FULL_NAME", "IconUser"),
        Kind::Emails => ("EMAILS", "IconMail"),
        Kind::Phones => ("PHONES", "IconPhone"),
        Kind::Relation(target) => ("RELATION", target.icon()),
    }
}

pub(super) fn type_name(kind: Kind) -> &'static str {
    type_and_icon(kind).0
}

/// The body that makes a field. A yes-or-no field has no default, so that records that are not Whop's stay empty.
fn body(field: &Field, object_id: &str, target: Option<&str>) -> Json {
    let (kind, icon) = type_and_icon(field.kind);
    let mut body = Map::new();
    let texts = [
        ("objectMetadataId", object_id),
        ("type", kind),
        ("name", field.name),
        ("label", field.label),
        ("description", field.description),
        ("icon", icon),
    ];
    body.extend(texts.map(|(name, text)| (name.to_owned(), json!(text))));
    let mut set = |name: &str, value: Json| body.insert(name.to_owned(), value);
    match target {
        Some(target) => {
            let relation = json!({
                "type": "MANY_TO_ONE",
                "targetObjectMetadataId": target,
                "targetFieldLabel": field.object.labels().1,
                "targetFieldIcon": field.object.icon(),
            });
            set("relationCreationPayload", relation);
        }
        None => {
            set("isNullable", json!(true));
        }
    }
    if field.kind == Kind::Key {
        set("isUnique", json!(true));
    }
    if field.kind == Kind::Number {
        set("settings", json!({"dataType": "int", "decimals": 0, "type": "number"}));
    }
    if let Kind::Choice(words) = field.kind {
        set("options", new_options(&values(words), 0).collect());
    }
    Json::Object(body)
}

/// The body that makes one of our objects.
pub(super) fn object_body(object: Object) -> Json {
    let (one, many) = object.labels();
    json!({
        "nameSingular": object.singular(),
        "namePlural": object.plural(),
        "labelSingular": one,
        "labelPlural": many,
        "description": object.description(),
        "icon": object.icon(),
    })
}
