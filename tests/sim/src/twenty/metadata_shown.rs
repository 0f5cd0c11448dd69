//! Objects and fields of the data model as the two protocols show them. It changes nothing.

use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::schema::{Field, Relation};
use super::space::{Object, Space, capital};

fn application(space: &Space, standard: bool) -> Uuid {
    let name: &[u8] = if standard { b"standard application" } else { b"custom application" };
    Uuid::new_v5(&space.id, name)
}

/// A field with every key, nulls included, as GraphQL can ask for it.
pub(super) fn whole_field(space: &Space, object: &Object, field: &Field) -> Value {
    json!({
        "id": field.id, "universalIdentifier": field.universal, "label": field.label, "name": field.name,
        "objectMetadataId": object.id, "type": field.kind.name(), "workspaceId": space.id,
        "defaultValue": field.default, "isActive": field.active, "isLabelSyncedWithName": false,
        "isSystem": field.system, "isUIEditable": !field.system, "isUIReadOnly": field.system,
        "options": field.options, "createdAt": crate::clock::iso(field.created_at),
        "updatedAt": crate::clock::iso(field.updated_at), "description": field.description, "icon": field.icon,
        "isNullable": field.nullable, "isUnique": field.unique, "settings": field.settings,
        "applicationId": application(space, field.standard), "relation": relation(space, object, field),
    })
}

fn relation(space: &Space, object: &Object, field: &Field) -> Value {
    let side = |object: &Object| json!({"id": object.id, "nameSingular": object.singular, "namePlural": object.plural});
    let other = |id: Uuid| space.object(id).map(side);
    match field.relation {
        None => Value::Null,
        Some(Relation::ToOne { target }) => json!({
            "type": "MANY_TO_ONE", "sourceObjectMetadata": side(object), "targetObjectMetadata": other(target),
            "sourceFieldMetadata": {"id": field.id, "name": field.name},
        }),
        Some(Relation::ToMany { source, field: id }) => json!({
            "type": "ONE_TO_MANY", "sourceObjectMetadata": side(object), "targetObjectMetadata": other(source),
            "sourceFieldMetadata": {"id": field.id, "name": field.name}, "targetFieldMetadata": {"id": id},
        }),
    }
}

fn without(mut shown: Value, names: &[&str]) -> Value {
    let map: &mut Map<String, Value> = shown.as_object_mut().expect("metadata is shown as an object");
    map.retain(|key, value| !names.contains(&key.as_str()) || !value.is_null());
    map.remove("relation");
    shown
}

/// As REST answers a write: some nulls are shown, some are not.
pub(super) fn made_field(space: &Space, object: &Object, field: &Field) -> Value {
    without(whole_field(space, object, field), &["description", "icon", "settings"])
}

/// As REST reads: no nulls.
pub(super) fn read_field(space: &Space, object: &Object, field: &Field) -> Value {
    let optional = ["description", "icon", "settings", "options", "defaultValue"];
    without(whole_field(space, object, field), &optional)
}

/// An object with every key, and its fields as `show` shows them.
pub(super) fn whole_object(space: &Space, object: &Object, show: impl Fn(&Field) -> Value) -> Value {
    let fields: Vec<Value> = object.fields().map(|(_, field)| show(field)).collect();
    let label = object.spot("name").or_else(|| object.spot("title")).or_else(|| object.spot("id"));
    let duplicates = (object.singular == "person").then(|| {
        json!([["nameFirstName", "nameLastName"], ["linkedinLinkPrimaryLinkUrl"], ["emailsPrimaryEmail"]])
    });
    json!({
        "id": object.id, "universalIdentifier": object.universal, "isActive": object.active,
        "isLabelSyncedWithName": false, "isRemote": false, "isSearchable": true, "isSystem": false,
        "isUIEditable": true, "isUICreatable": true, "isUIReadOnly": false,
        "labelPlural": object.label_plural, "labelSingular": object.label_singular,
        "namePlural": object.plural, "nameSingular": object.singular, "workspaceId": space.id,
        "imageIdentifierFieldMetadataId": object.spot("avatarFile").map(|spot| object.fields[spot.field].id),
        "labelIdentifierFieldMetadataId": label.map(|spot| object.fields[spot.field].id),
        "createdAt": crate::clock::iso(object.created_at), "updatedAt": crate::clock::iso(object.updated_at),
        "description": object.description, "icon": object.icon, "duplicateCriteria": duplicates,
        "shortcut": object.standard.then(|| capital(&object.singular).chars().next()), "color": null, "applicationId": application(space, object.standard), "fields": fields,
    })
}

pub(super) fn made_object(space: &Space, object: &Object) -> Value {
    let shown = whole_object(space, object, |field| read_field(space, object, field));
    without(shown, &["description", "icon", "duplicateCriteria", "shortcut", "color"])
}

pub(super) fn read_object(space: &Space, object: &Object) -> Value {
    let optional =
        ["description", "icon", "duplicateCriteria", "shortcut", "color", "imageIdentifierFieldMetadataId"];
    let shown = whole_object(space, object, |field| read_field(space, object, field));
    without(shown, &optional)
}
