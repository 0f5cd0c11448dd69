//! The objects and fields a fresh workspace ships with, and its one active workflow.

use serde_json::{Value, json};
use uuid::Uuid;

use super::row::{Actor, Row};
use super::schema::{Column, Field, Kind, Relation};
use super::space::{Object, Space};

/// Name of the workflow every fresh workspace ships with.
pub(super) const COMPANY_WORKFLOW: &str = "Create company when adding a new person";

/// Singular, plural and own fields (`name:TYPE`, `!` = not null, `*` = unique) of the standard objects.
const OBJECTS: [(&str, &str, &str); 16] = [
    (
        "person",
        "people",
        "name:FULL_NAME emails:EMAILS* linkedinLink:LINKS jobTitle:TEXT phones:PHONES avatarUrl:TEXT \
         avatarFile:FILES",
    ),
    (
        "company",
        "companies",
        "name:TEXT domainName:LINKS* address:ADDRESS linkedinLink:LINKS annualRevenue:CURRENCY",
    ),
    ("opportunity", "opportunities", "name:TEXT amount:CURRENCY closeDate:DATE_TIME stage:SELECT!"),
    ("note", "notes", "title:TEXT bodyV2:RICH_TEXT"),
    ("noteTarget", "noteTargets", ""),
    ("task", "tasks", "dueAt:DATE_TIME title:TEXT bodyV2:RICH_TEXT status:SELECT"),
    ("taskTarget", "taskTargets", ""),
    ("attachment", "attachments", "name:TEXT file:FILES fullPath:TEXT fileCategory:SELECT!"),
    ("workspaceMember", "workspaceMembers", "name:FULL_NAME userEmail:TEXT timeZone:TEXT locale:TEXT"),
    ("workflow", "workflows", "name:TEXT lastPublishedVersionId:TEXT statuses:MULTI_SELECT"),
    ("workflowVersion", "workflowVersions", "name:TEXT trigger:RAW_JSON steps:RAW_JSON status:SELECT"),
    ("timelineActivity", "timelineActivities", "name:TEXT happensAt:DATE_TIME properties:RAW_JSON"),
    ("dashboard", "dashboards", "title:TEXT"),
    ("calendarEventParticipant", "calendarEventParticipants", "handle:TEXT"),
    ("messageParticipant", "messageParticipants", "handle:TEXT"),
    ("messageListMember", "messageListMembers", ""),
];

/// Object, its to-one field, the target, and the to-many field on the target.
const RELATIONS: [(&str, &str, &str, &str); 31] = [
    ("person", "company", "company", "people"),
    ("company", "accountOwner", "workspaceMember", "accountOwnerForCompanies"),
    ("opportunity", "company", "company", "opportunities"),
    ("opportunity", "pointOfContact", "person", "pointOfContactForOpportunities"),
    ("opportunity", "owner", "workspaceMember", "ownedOpportunities"),
    ("noteTarget", "note", "note", "noteTargets"),
    ("noteTarget", "targetPerson", "person", "noteTargets"),
    ("noteTarget", "targetCompany", "company", "noteTargets"),
    ("noteTarget", "targetOpportunity", "opportunity", "noteTargets"),
    ("task", "assignee", "workspaceMember", "assignedTasks"),
    ("taskTarget", "task", "task", "taskTargets"),
    ("taskTarget", "targetPerson", "person", "taskTargets"),
    ("taskTarget", "targetCompany", "company", "taskTargets"),
    ("taskTarget", "targetOpportunity", "opportunity", "taskTargets"),
    ("attachment", "targetTask", "task", "attachments"),
    ("attachment", "targetNote", "note", "attachments"),
    ("attachment", "targetPerson", "person", "attachments"),
    ("attachment", "targetCompany", "company", "attachments"),
    ("attachment", "targetOpportunity", "opportunity", "attachments"),
    ("attachment", "targetDashboard", "dashboard", "attachments"),
    ("attachment", "targetWorkflow", "workflow", "attachments"),
    ("workflowVersion", "workflow", "workflow", "versions"),
    ("timelineActivity", "targetPerson", "person", "timelineActivities"),
    ("timelineActivity", "targetCompany", "company", "timelineActivities"),
    ("timelineActivity", "targetOpportunity", "opportunity", "timelineActivities"),
    ("timelineActivity", "targetNote", "note", "timelineActivities"),
    ("timelineActivity", "targetTask", "task", "timelineActivities"),
    ("timelineActivity", "targetWorkflow", "workflow", "timelineActivities"),
    ("calendarEventParticipant", "person", "person", "calendarEventParticipants"),
    ("messageParticipant", "person", "person", "messageParticipants"),
    ("messageListMember", "person", "person", "listMemberships"),
];

/// Options and default of the standard select fields.
const SELECTS: [(&str, &str, &[&str], Option<&str>); 5] = [
    ("opportunity", "stage", &["NEW", "SCREENING", "MEETING", "PROPOSAL", "CUSTOMER"], Some("'NEW'")),
    ("task", "status", &["TODO", "IN_PROGRESS", "DONE"], Some("'TODO'")),
    (
        "attachment",
        "fileCategory",
        &["ARCHIVE", "AUDIO", "IMAGE", "PRESENTATION", "SPREADSHEET", "TEXT_DOCUMENT", "VIDEO", "OTHER"],
        Some("'OTHER'"),
    ),
    ("workflow", "statuses", &["DRAFT", "ACTIVE", "DEACTIVATED"], None),
    ("workflowVersion", "status", &["DRAFT", "ACTIVE", "DEACTIVATED", "ARCHIVED"], Some("'DRAFT'")),
];

/// Fields every object has before its own ones.
const SYSTEM: [(&str, Kind); 8] = [
    ("id", Kind::Uuid),
    ("createdAt", Kind::DateTime),
    ("updatedAt", Kind::DateTime),
    ("deletedAt", Kind::DateTime),
    ("createdBy", Kind::Actor),
    ("updatedBy", Kind::Actor),
    ("position", Kind::Position),
    ("searchVector", Kind::TsVector),
];

/// Fills an empty workspace with what Twenty ships.
pub(super) fn furnish(space: &mut Space) {
    let now = space.created_at;
    for (singular, plural, own) in OBJECTS {
        let mut object = Object::new(Uuid::new_v5(&space.id, singular.as_bytes()), singular, plural, now);
        object.description = Some(format!("A {singular}"));
        object.icon = Some("IconBox".to_owned());
        add_system_fields(&mut object);
        for spec in own.split_whitespace() {
            add_own(&mut object, spec);
        }
        space.objects.push(object);
    }
    for (source, name, target, back) in RELATIONS {
        let (source, target) = (space.singular(source).unwrap(), space.singular(target).unwrap());
        relate(space, (source, name), (target, back), true);
    }
    add_workflow(space);
}

/// The fields every object has. `isSystem`, and not to be edited.
pub(super) fn add_system_fields(object: &mut Object) {
    for (name, kind) in SYSTEM {
        let mut field = field(object, name, kind);
        field.system = true;
        field.icon = Some("Icon123".to_owned());
        field.description = Some(field.label.clone());
        field.nullable = matches!(name, "deletedAt" | "searchVector");
        field.default = match kind {
            Kind::Uuid => json!("uuid"),
            Kind::DateTime if name != "deletedAt" => json!("now"),
            _ => Value::Null,
        };
        object.add(field);
    }
}

/// A field of `object` with the defaults of a new one; its id is derived from its name.
pub(super) fn field(object: &Object, name: &str, kind: Kind) -> Field {
    let id = Uuid::new_v5(&object.id, format!("{name}/{}", object.fields.len()).as_bytes());
    Field {
        id,
        universal: Uuid::new_v5(&id, b"universal"),
        standard: object.standard,
        name: name.to_owned(),
        label: spaced(name),
        kind,
        description: None,
        icon: None,
        active: true,
        system: false,
        nullable: true,
        unique: false,
        default: Value::Null,
        options: Value::Null,
        settings: Value::Null,
        created_at: object.created_at,
        updated_at: object.created_at,
        relation: None,
        deleted: false,
    }
}

/// `jobTitle` as `Job Title`.
fn spaced(name: &str) -> String {
    let mut text = String::new();
    for letter in name.chars() {
        if letter.is_uppercase() {
            text.push(' ');
        }
        text.push(letter);
    }
    super::space::capital(&text)
}

fn add_own(object: &mut Object, spec: &str) {
    let (name, kind) = spec.split_once(':').unwrap();
    let plain = kind.trim_end_matches(['*', '!']);
    let mut field = field(object, name, Kind::parse(plain).unwrap());
    field.unique = kind.ends_with('*');
    field.nullable = !kind.ends_with('!');
    field.icon = Some("IconList".to_owned());
    field.description = Some(field.label.clone());
    let select = SELECTS.iter().find(|(owner, field, ..)| *owner == object.singular && *field == name);
    if let Some((.., values, default)) = select {
        field.default = default.map_or(Value::Null, Value::from);
        field.options = values
            .iter()
            .enumerate()
            .map(|(position, value)| {
                let id = Uuid::new_v5(&field.id, value.as_bytes());
                let label = super::space::capital(&value.to_lowercase().replace('_', " "));
                json!({"id": id, "color": "sky", "label": label, "value": value, "position": position})
            })
            .collect();
    }
    let (number, unique) = (object.fields.len(), field.unique);
    object.add(field);
    if unique {
        object.table.make_unique(number, 0);
    }
}

/// Adds a to-one field and its counterpart on the other side.
pub(super) fn relate(
    space: &mut Space,
    (source, name): (usize, &str),
    (target, back): (usize, &str),
    standard: bool,
) -> Uuid {
    let (source_id, target_id) = (space.objects[source].id, space.objects[target].id);
    let mut one = field(&space.objects[source], name, Kind::Relation);
    one.relation = Some(Relation::ToOne { target: target_id });
    one.standard = standard;
    one.settings = json!({
        "onDelete": "SET_NULL", "relationType": "MANY_TO_ONE", "joinColumnName": format!("{name}Id"),
    });
    let id = one.id;
    space.objects[source].add(one);
    let mut many = field(&space.objects[target], back, Kind::Relation);
    many.relation = Some(Relation::ToMany { source: source_id, field: id });
    many.standard = standard;
    many.settings = json!({"relationType": "ONE_TO_MANY"});
    space.objects[target].add(many);
    id
}

fn add_workflow(space: &mut Space) {
    let system = Actor::new("SYSTEM", "System", &Value::Null);
    let now = space.created_at;
    let (id, version) =
        (Uuid::new_v5(&space.id, b"company workflow"), Uuid::new_v5(&space.id, b"company workflow version"));
    let rows = [
        (
            "workflow",
            id,
            json!({
                "name": COMPANY_WORKFLOW, "statuses": ["ACTIVE"], "lastPublishedVersionId": version, "position": 0,
            }),
        ),
        (
            "workflowVersion",
            version,
            json!({
                "name": "v1", "status": "ACTIVE", "workflowId": id, "position": 0, "steps": [],
                "trigger": {"type": "DATABASE_EVENT", "settings": {"eventName": "person.created"}},
            }),
        ),
    ];
    for (singular, id, cells) in rows {
        let number = space.singular(singular).unwrap();
        let object = &mut space.objects[number];
        let mut row = Row::new(id, now, &system);
        for (key, value) in cells.as_object().unwrap() {
            if let Some(Column::Cell(column)) = object.spot(key).map(|spot| spot.column) {
                row.set(column, value.clone());
            }
        }
        object.table.insert(row);
    }
}
