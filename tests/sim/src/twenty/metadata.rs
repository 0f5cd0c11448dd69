//! Objects and fields by API: what may be made, changed and deleted, and how each is shown.

use serde_json::{Value, json};
use uuid::Uuid;

use super::metadata_shown::{made_field, made_object};
use super::schema::{Field, KINDS, Kind, Relation};
use super::space::{Object, Space, capital};
use super::standard;
use super::trouble::Trouble;

type Outcome<T> = Result<T, Trouble>;

/// Names nobody may give to a field or an object.
const RESERVED: [&str; 20] = [
    "type",
    "types",
    "event",
    "events",
    "field",
    "fields",
    "link",
    "links",
    "currency",
    "currencies",
    "fullName",
    "fullNames",
    "address",
    "addresses",
    "object",
    "objects",
    "index",
    "relation",
    "relations",
    "workspace",
];

fn text(input: &Value, key: &str) -> Option<String> {
    input[key].as_str().map(ToOwned::to_owned)
}

fn id_of(input: &Value) -> Option<Uuid> {
    Uuid::try_parse(input.as_str()?).ok()
}

fn good_name(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_lowercase())
        && name.chars().all(|letter| letter.is_ascii_alphanumeric())
}

/// Creates a field; a relation gets its counterpart on the other object.
pub(super) fn create_field(space: &mut Space, input: &Value, now: i64) -> Outcome<Uuid> {
    let Some(kind) = input["type"].as_str().and_then(Kind::parse) else {
        let all = KINDS.map(|(_, name)| name).join(", ");
        return Err(Trouble::bad_request(&format!("type must be one of the following values: {all}")));
    };
    let object = id_of(&input["objectMetadataId"]).and_then(|id| space.number_of(id));
    let number = object.ok_or_else(Trouble::no_object)?;
    let name = text(input, "name").unwrap_or_default();
    let unique = input["isUnique"] == json!(true);
    check_field(&space.objects[number], &name, unique)?;
    if kind == Kind::Relation {
        return create_relation(space, number, &name, input, now);
    }
    let object = &mut space.objects[number];
    let mut field = standard::field(object, &name, kind);
    field.standard = false;
    field.options = options(&field, &input["options"])?;
    field.default = input["defaultValue"].clone();
    if unique && !field.default.is_null() {
        return Err(Trouble::unique_with_default(&field));
    }
    dress(&mut field, input, now);
    field.settings = input["settings"].clone();
    field.nullable = input["isNullable"].as_bool().unwrap_or(true);
    field.unique = unique;
    let (id, at) = (field.id, object.fields.len());
    object.add(field);
    if unique {
        object.table.make_unique(at, 0);
    }
    space.metadata_version += 1;
    Ok(id)
}

fn check_field(object: &Object, name: &str, unique: bool) -> Outcome<()> {
    let failure = |code: &str, message: String| Err(Trouble::field(object, name, code, &message, unique));
    if !good_name(name) {
        let message =
            "Name is not valid: it must start with lowercase letter and contain only alphanumeric letters";
        return failure("INVALID_FIELD_INPUT", message.to_owned());
    }
    if RESERVED.contains(&name) {
        let message = "This name is reserved. Use a different name or the system will add \"Custom\" suffix.";
        return failure("INVALID_FIELD_INPUT", message.to_owned());
    }
    if object.field_named(name).is_some() || object.spot(name).is_some() {
        let message = format!("Name \"{name}\" is not available as it is already used by another field");
        return failure("NOT_AVAILABLE", message);
    }
    Ok(())
}

/// What any field takes from its input.
fn dress(field: &mut Field, input: &Value, now: i64) {
    field.label = text(input, "label").unwrap_or_else(|| field.label.clone());
    field.description = text(input, "description");
    field.icon = text(input, "icon");
    field.created_at = now;
    field.updated_at = now;
}

fn create_relation(space: &mut Space, number: usize, name: &str, input: &Value, now: i64) -> Outcome<Uuid> {
    let payload = &input["relationCreationPayload"];
    let target = id_of(&payload["targetObjectMetadataId"]).and_then(|id| space.number_of(id));
    let target = target.ok_or_else(Trouble::no_object)?;
    let label = text(payload, "targetFieldLabel").unwrap_or_default();
    let back = camel(&label);
    check_field(&space.objects[target], &back, false)?;
    let to_one = payload["type"] != json!("ONE_TO_MANY");
    let (source, onto) = if to_one {
        ((number, name), (target, back.as_str()))
    } else {
        ((target, back.as_str()), (number, name))
    };
    standard::relate(space, source, onto, false);
    let fields = &mut space.objects[target].fields;
    let other = fields.last_mut().expect("a field was added");
    (other.label, other.icon) = (label, text(payload, "targetFieldIcon"));
    (other.created_at, other.updated_at) = (now, now);
    let described = format!(
        "{} tied to the {}",
        space.objects[number].label_plural, space.objects[target].label_singular
    );
    let fields = &mut space.objects[number].fields;
    let at = fields.iter().rposition(|field| field.name == name).expect("a field was added");
    dress(&mut fields[at], input, now);
    fields[at].description = fields[at].description.clone().or(Some(described));
    fields[at].icon = fields[at].icon.clone().or_else(|| Some("IconRelationOneToMany".to_owned()));
    space.metadata_version += 1;
    Ok(fields[at].id)
}

/// `Signed contracts` as `signedContracts`.
fn camel(label: &str) -> String {
    let mut words =
        label.split(|letter: char| !letter.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    let mut name = words.next().unwrap_or_default().to_owned();
    name = name.chars().take(1).map(|first| first.to_ascii_lowercase()).chain(name.chars().skip(1)).collect();
    words.for_each(|word| name.push_str(&capital(word)));
    name
}

/// Options with ids; the values must be upper snake case, and each given once.
fn options(field: &Field, input: &Value) -> Outcome<Value> {
    if !matches!(field.kind, Kind::Select | Kind::MultiSelect) {
        return Ok(Value::Null);
    }
    let failure = |message: &str, value: &Value| Trouble::option(field, message, value);
    let given = input.as_array().filter(|options| !options.is_empty());
    let mut options =
        given.ok_or_else(|| failure("Options are required for enum fields", &Value::Null))?.clone();
    let mut seen = Vec::new();
    for option in &mut options {
        let value = option["value"].as_str().unwrap_or_default().to_owned();
        let upper = |letter: char| letter.is_ascii_uppercase() || letter.is_ascii_digit() || letter == '_';
        if value.is_empty() || !value.chars().all(upper) {
            let message = format!("Value must be in UPPER_CASE and follow snake_case \"{value}\"");
            return Err(failure(&message, &json!(value)));
        }
        if seen.contains(&value) {
            return Err(failure(&format!("Duplicated option value \"{value}\""), &json!(value)));
        }
        if option["id"].is_null() {
            option["id"] = json!(Uuid::new_v5(&field.id, value.as_bytes()));
        }
        seen.push(value);
    }
    Ok(Value::Array(options))
}

/// Where a field is: the number of its object and its own.
pub(super) fn find_field(space: &Space, id: Uuid) -> Outcome<(usize, usize)> {
    let objects = space.objects.iter().enumerate();
    let mut found = objects.filter_map(|(at, object)| Some((at, object.field_with_id(id)?.0)));
    found.next().ok_or_else(Trouble::no_field)
}

/// Changes a field. A change of type is ignored without a word.
pub(super) fn update_field(space: &mut Space, id: Uuid, input: &Value, now: i64) -> Outcome<()> {
    let (object, at) = find_field(space, id)?;
    let object = &mut space.objects[object];
    if !input["options"].is_null() {
        let checked = options(&object.fields[at], &input["options"])?;
        object.fields[at].options = checked;
        object.fields[at].updated_at = now;
    }
    match input["isUnique"].as_bool() {
        Some(true) if !object.fields[at].unique => {
            if !object.fields[at].default_value().is_null() {
                return Err(Trouble::unique_with_default(&object.fields[at]));
            }
            if !object.table.make_unique(at, 0) {
                return Err(Trouble::duplicates(Uuid::new_v5(&id, b"index")));
            }
            object.fields[at].unique = true;
        }
        Some(false) => {
            object.table.drop_unique(at);
            object.fields[at].unique = false;
        }
        _ => {}
    }
    let field = &mut object.fields[at];
    if let Some(active) = input["isActive"].as_bool() {
        (field.active, field.updated_at) = (active, now);
    }
    field.label = text(input, "label").unwrap_or_else(|| field.label.clone());
    field.description = text(input, "description").or_else(|| field.description.clone());
    field.icon = text(input, "icon").or_else(|| field.icon.clone());
    if let Some(default) = input.get("defaultValue") {
        field.default = default.clone();
    }
    space.metadata_version += 1;
    Ok(())
}

/// Deletes a deactivated field of the user's own; answers with what it was.
pub(super) fn delete_field(space: &mut Space, id: Uuid) -> Outcome<Value> {
    let (number, at) = find_field(space, id)?;
    let field = space.objects[number].fields[at].clone();
    if field.standard || field.active {
        let message = if field.standard {
            "Standard fields cannot be deleted"
        } else {
            "Active fields cannot be deleted"
        };
        return Err(Trouble::field(
            &space.objects[number],
            &field.name,
            "FIELD_MUTATION_NOT_ALLOWED",
            message,
            false,
        ));
    }
    let shown = made_field(space, &space.objects[number], &field);
    space.objects[number].remove_field(at);
    match field.relation {
        Some(Relation::ToOne { target }) => remove_counterpart(space, target, id),
        Some(Relation::ToMany { field: other, .. }) => {
            if let Ok((number, at)) = find_field(space, other) {
                space.objects[number].remove_field(at);
            }
        }
        None => {}
    }
    space.metadata_version += 1;
    Ok(shown)
}

fn remove_counterpart(space: &mut Space, target: Uuid, id: Uuid) {
    let Some(number) = space.number_of(target) else {
        return;
    };
    let counterpart = space.objects[number]
        .fields()
        .find(|(_, field)| matches!(field.relation, Some(Relation::ToMany { field, .. }) if field == id))
        .map(|(at, _)| at);
    if let Some(at) = counterpart {
        space.objects[number].remove_field(at);
    }
}

/// Creates an object with the fields every object has, reachable at once.
pub(super) fn create_object(space: &mut Space, input: &Value, now: i64) -> Outcome<Uuid> {
    let (singular, plural) = (text(input, "nameSingular"), text(input, "namePlural"));
    let (Some(singular), Some(plural)) = (singular, plural) else {
        return Err(Trouble::bad_request("nameSingular must be a string"));
    };
    let valid = good_name(&singular) && good_name(&plural) && singular != plural;
    if !valid || RESERVED.contains(&singular.as_str()) || RESERVED.contains(&plural.as_str()) {
        return Err(Trouble::object(&singular, &plural, "INVALID_OBJECT_INPUT", "Object name is not valid"));
    }
    let taken = |object: &Object| object.singular == singular || object.plural == plural;
    if space.objects.iter().any(taken) {
        return Err(Trouble::object(&singular, &plural, "OBJECT_ALREADY_EXISTS", "Object already exists"));
    }
    let id = Uuid::new_v5(&space.id, format!("{singular}/{}", space.metadata_version).as_bytes());
    let mut object = Object::new(id, &singular, &plural, now);
    object.standard = false;
    object.label_singular = text(input, "labelSingular").unwrap_or(object.label_singular);
    object.label_plural = text(input, "labelPlural").unwrap_or(object.label_plural);
    object.description = text(input, "description");
    object.icon = text(input, "icon");
    let mut name = standard::field(&object, "name", Kind::Text);
    name.standard = false;
    (name.description, name.icon) = (Some("Name".to_owned()), Some("IconAbc".to_owned()));
    object.add(name);
    standard::add_system_fields(&mut object);
    let number = space.objects.len();
    space.objects.push(object);
    for (helper, back) in [
        ("attachment", "attachments"),
        ("noteTarget", "noteTargets"),
        ("taskTarget", "taskTargets"),
        ("timelineActivity", "timelineActivities"),
    ] {
        let helper = space.singular(helper).expect("a standard object");
        standard::relate(space, (helper, &format!("target{}", capital(&singular))), (number, back), false);
    }
    space.metadata_version += 1;
    Ok(id)
}

pub(super) fn update_object(space: &mut Space, id: Uuid, input: &Value, now: i64) -> Outcome<()> {
    let number = space.number_of(id).ok_or_else(Trouble::no_such_object)?;
    let object = &mut space.objects[number];
    object.active = input["isActive"].as_bool().unwrap_or(object.active);
    object.label_singular = text(input, "labelSingular").unwrap_or_else(|| object.label_singular.clone());
    object.label_plural = text(input, "labelPlural").unwrap_or_else(|| object.label_plural.clone());
    object.description = text(input, "description").or_else(|| object.description.clone());
    object.icon = text(input, "icon").or_else(|| object.icon.clone());
    object.updated_at = now;
    space.metadata_version += 1;
    Ok(())
}

/// Deletes an object of the user's own with its records and everything that pointed at it.
pub(super) fn delete_object(space: &mut Space, id: Uuid) -> Outcome<Value> {
    let number = space.number_of(id).ok_or_else(Trouble::no_such_object)?;
    let object = &space.objects[number];
    if object.standard {
        return Err(Trouble::object(
            &object.singular,
            &object.plural,
            "OBJECT_MUTATION_NOT_ALLOWED",
            "Standard objects cannot be deleted",
        ));
    }
    let mut shown = made_object(space, object);
    shown.as_object_mut().expect("an object is shown as one").remove("fields");
    space.objects.remove(number);
    for object in &mut space.objects {
        let pointing = |field: &Field| match field.relation {
            Some(Relation::ToOne { target }) => target == id,
            Some(Relation::ToMany { source, .. }) => source == id,
            None => false,
        };
        let gone: Vec<usize> =
            object.fields().filter(|(_, field)| pointing(field)).map(|(at, _)| at).collect();
        for at in gone {
            object.remove_field(at);
        }
    }
    space.metadata_version += 1;
    Ok(shown)
}
