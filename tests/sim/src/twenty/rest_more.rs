//! The less used calls of the REST core: duplicates and groups.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use uuid::Uuid;

use super::auth::Caller;
use super::list::cursor_of;
use super::refusal::Refusal;
use super::render::Renderer;
use super::rest::{Answer, Call};
use super::row::Row;
use super::schema::cell;
use super::server::Server;
use super::space::Object;
use super::value;

/// Fields whose equality makes two records duplicates: all parts of a group must be equal and not empty.
const CRITERIA: [&[(&str, usize)]; 5] = [
    &[("name", 0), ("name", 1)],
    &[("linkedinLink", 0)],
    &[("emails", 0)],
    &[("domainName", 0)],
    &[("title", 0)],
];

/// `POST /rest/people/duplicates` with `{"data":[…]}` or `{"ids":[…]}`.
pub(super) fn duplicates(
    server: &Server,
    caller: &Caller,
    call: &Call,
    object: usize,
) -> Result<Answer, Refusal> {
    let kind = server.with(caller, |space| format!("duplicates {}", space.objects[object].plural));
    server.admit(caller, &kind, false)?;
    server.with(caller, |space| {
        let target = &space.objects[object];
        let mut answers = Vec::new();
        for cells in probes(target, &call.body)? {
            let rows = target.table.rows();
            let alike: Vec<_> =
                rows.filter(|row| row.deleted_at.is_none() && alike(target, &cells, row)).collect();
            let cursor = |row: Option<&&Row>| json!(row.map(|row| cursor_of(target, &[], row, |_| true)));
            let page = json!({
                "startCursor": cursor(alike.first()), "endCursor": cursor(alike.last()), "hasNextPage": false,
                "hasPreviousPage": false,
            });
            let mut renderer = Renderer::new(space, server.base());
            renderer.records(target, alike.iter().copied(), 0);
            answers.push(format!(
                "{{\"{}Duplicates\":{},\"totalCount\":{},\"pageInfo\":{page}}}",
                target.singular,
                renderer.out,
                alike.len()
            ));
        }
        Ok((200, format!("{{\"data\":[{}]}}", answers.join(","))))
    })
}

/// The records to find duplicates of: the id to leave out, and column values.
type Probe = (Option<Uuid>, Vec<(u16, Value)>);

fn probes(object: &Object, body: &Value) -> Result<Vec<Probe>, Refusal> {
    let mut probes = Vec::new();
    for id in body["ids"].as_array().into_iter().flatten() {
        let id = value::uuid("ids", id)?;
        let row = object.table.get(&id).ok_or_else(Refusal::not_found)?;
        let columns = criteria(object).into_iter().flatten();
        probes.push((Some(id), columns.map(|column| (column, row.get(column).clone())).collect()));
    }
    for input in body["data"].as_array().into_iter().flatten() {
        let mut cells = Vec::new();
        for (key, given) in input.as_object().into_iter().flatten() {
            let Some(spot) = object.spot(key) else {
                return Err(Refusal::unknown_field(&object.singular, key));
            };
            for (part, stored) in value::stored(&object.fields[spot.field], given)? {
                cells.push((cell(spot.field, part), stored));
            }
        }
        probes.push((None, cells));
    }
    Ok(probes)
}

fn criteria(object: &Object) -> Vec<Vec<u16>> {
    let group = |group: &&[(&str, usize)]| {
        group
            .iter()
            .map(|(name, part)| Some(cell(object.spot(name)?.field, *part)))
            .collect::<Option<Vec<_>>>()
    };
    CRITERIA.iter().filter_map(group).collect()
}

fn alike(object: &Object, (id, cells): &Probe, row: &Row) -> bool {
    let given =
        |column: &u16| cells.iter().find(|(at, _)| at == column).map_or(&Value::Null, |(_, value)| value);
    *id != Some(row.id)
        && criteria(object).iter().any(|group| {
            group.iter().all(|column| !given(column).is_null() && given(column) == row.get(*column))
        })
}

/// `GET /rest/opportunities/groupBy?group_by=[{"stage":true}]`, one plain field only.
pub(super) fn group_by(
    server: &Server,
    caller: &Caller,
    call: &Call,
    object: usize,
) -> Result<Option<Answer>, Refusal> {
    let asked = call.parameter("group_by").unwrap_or_default().parse::<Value>().unwrap_or_default();
    let field = asked[0].as_object().and_then(|group| group.keys().next().cloned());
    let Some(field) = field else { return Ok(None) };
    let kind = server.with(caller, |space| format!("group {}", space.objects[object].plural));
    server.admit(caller, &kind, false)?;
    server.with(caller, |space| {
        let target = &space.objects[object];
        let spot = target.spot(&field).ok_or_else(|| Refusal::unknown_field(&target.singular, &field))?;
        let rows = target.table.rows().filter(|row| row.deleted_at.is_none());
        let found: BTreeSet<String> = rows.map(|row| row.get(cell(spot.field, 0)).to_string()).collect();
        let place = |text: &String| {
            let options = target.fields[spot.field].option_values();
            options.iter().position(|option| *text == format!("\"{option}\""))
        };
        let mut found: Vec<_> = found.into_iter().collect();
        found.sort_by_key(place);
        let groups: Vec<Value> = found
            .iter()
            .map(|text| json!({"groupByDimensionValues": [text.parse::<Value>().unwrap_or_default()]}))
            .collect();
        Ok(Some((200, Value::from(groups).to_string())))
    })
}
