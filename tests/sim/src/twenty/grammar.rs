//! The two ways a filter and an order are written: REST's own grammar, and GraphQL's nested objects.

use serde_json::Value;

use super::filter::{Filter, OPS, Op, no_such_filter};
use super::list::{Direction, Order};
use super::refusal::Refusal;
use super::space::Space;

type Outcome<T> = Result<T, Refusal>;

/// `and(a[eq]:1,or(b[is]:NULL,c[in]:[x,"y"]))`; commas at the root mean and.
pub(super) fn rest_filter(space: &Space, object: usize, text: &str) -> Outcome<Filter> {
    let parts = split(text);
    let inner = parts.iter().map(|part| rest_part(space, object, part)).collect::<Outcome<Vec<_>>>()?;
    Ok(Filter::All(inner))
}

fn rest_part(space: &Space, object: usize, part: &str) -> Outcome<Filter> {
    for name in ["and", "or", "not"] {
        let inner = part.strip_prefix(name).and_then(|rest| rest.strip_prefix('(')?.strip_suffix(')'));
        if let Some(inner) = inner {
            let parts = split(inner)
                .iter()
                .map(|part| rest_part(space, object, part))
                .collect::<Outcome<Vec<_>>>()?;
            return Ok(match name {
                "and" => Filter::All(parts),
                "or" => Filter::Any(parts),
                _ => Filter::Not(Box::new(Filter::All(parts))),
            });
        }
    }
    let bad = || Refusal::bad(format!("'filter' invalid for '{part}'. eg: price[gte]:10"));
    let (path, rest) = part.split_once('[').ok_or_else(bad)?;
    let (comparator, value) = rest.split_once("]:").ok_or_else(bad)?;
    let Some((_, op)) = OPS.iter().find(|(name, _)| *name == comparator) else {
        let all = OPS.map(|(name, _)| name).join(", ");
        return Err(Refusal::bad(format!(
            "'filter' invalid for '{part}', comparator {comparator} not in {all}"
        )));
    };
    let path: Vec<&str> = path.split('.').collect();
    Filter::test(space, object, &path, *op, &rest_value(*op, value))
}

fn rest_value(op: Op, text: &str) -> Value {
    let list = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    match (op, list) {
        (Op::In | Op::ContainsAny, Some(inner)) => {
            split(inner).iter().map(|item| Value::from(unquoted(item))).collect()
        }
        _ => Value::from(unquoted(text)),
    }
}

fn unquoted(text: &str) -> &str {
    let text = text.trim();
    for quote in ['"', '\''] {
        if let Some(inner) = text.strip_prefix(quote).and_then(|rest| rest.strip_suffix(quote)) {
            return inner;
        }
    }
    text
}

/// Cuts at the commas that are in no quotes, brackets or parentheses.
fn split(text: &str) -> Vec<&str> {
    let (mut parts, mut depth, mut quoted, mut start) = (Vec::new(), 0_i32, false, 0);
    for (at, letter) in text.char_indices() {
        match letter {
            '"' => quoted = !quoted,
            '(' | '[' if !quoted => depth += 1,
            ')' | ']' if !quoted => depth -= 1,
            ',' if !quoted && depth == 0 => {
                parts.push(text.get(start..at).unwrap_or_default());
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(text.get(start..).unwrap_or_default());
    parts.into_iter().map(str::trim).filter(|part| !part.is_empty()).collect()
}

/// `updatedAt[DescNullsLast],id`
pub(super) fn rest_order(space: &Space, object: usize, text: &str) -> Outcome<Vec<Order>> {
    let mut orders = Vec::new();
    for part in split(text) {
        let (path, direction) = match part.split_once('[') {
            Some((path, rest)) => (path, rest.strip_suffix(']').unwrap_or(rest)),
            None => (part, "AscNullsFirst"),
        };
        let path: Vec<&str> = path.split('.').collect();
        orders.push(order(space, object, &path, direction)?);
    }
    Ok(orders)
}

fn order(space: &Space, number: usize, path: &[&str], direction: &str) -> Outcome<Order> {
    let object = &space.objects[number];
    let unknown = || Refusal::unknown_field(&object.singular, path.first().unwrap_or(&""));
    let spot = path.first().and_then(|key| object.spot(key)).ok_or_else(unknown)?;
    let spot = match path.get(1) {
        Some(part) => object.part(spot, part).ok_or_else(unknown)?,
        None => spot,
    };
    let direction = Direction::parse(direction).ok_or_else(|| {
        Refusal::bad(format!(
            "'order_by' direction '{direction}' invalid. Allowed values are 'AscNullsFirst', 'AscNullsLast', \
             'DescNullsFirst', 'DescNullsLast'. eg: ?order_by=field_1[AscNullsFirst],field_2[DescNullsLast]"
        ))
    })?;
    Ok(Order { path: path.iter().map(|&part| part.to_owned()).collect(), spot, direction })
}

/// `{whopUserId:{in:["a"]}, emails:{primaryEmail:{ilike:"x%"}}, or:[…], not:{…}}`
pub(super) fn graph_filter(space: &Space, object: usize, value: &Value) -> Outcome<Filter> {
    graph_level(space, object, value, &[])
}

fn graph_level(space: &Space, number: usize, value: &Value, path: &[&str]) -> Outcome<Filter> {
    let mut inner = Vec::new();
    for (key, value) in value.as_object().into_iter().flatten() {
        let list = || -> Outcome<Vec<Filter>> {
            let items = value.as_array().map_or_else(|| vec![value.clone()], Clone::clone);
            items.iter().map(|item| graph_level(space, number, item, path)).collect()
        };
        inner.push(match key.as_str() {
            "and" => Filter::All(list()?),
            "or" => Filter::Any(list()?),
            "not" => Filter::Not(Box::new(graph_level(space, number, value, path)?)),
            _ => graph_field(space, number, value, &[path, &[key.as_str()]].concat())?,
        });
    }
    Ok(Filter::All(inner))
}

fn graph_field(space: &Space, number: usize, value: &Value, path: &[&str]) -> Outcome<Filter> {
    let object = &space.objects[number];
    let &[first, ref rest @ ..] = path else {
        return Ok(Filter::All(Vec::new()));
    };
    if let Some((spot, target)) = object.to_one(first) {
        let target = space.number_of(target).expect("a relation leads to an object");
        let filter = Box::new(graph_level(space, target, value, &[])?);
        return Ok(Filter::Related { column: spot.column, object: target, filter });
    }
    let spot = object.spot(first).ok_or_else(|| no_such_filter(object, first))?;
    let mut inner = Vec::new();
    for (key, value) in value.as_object().into_iter().flatten() {
        if rest.is_empty() && object.part(spot, key).is_some() {
            inner.push(graph_field(space, number, value, &[path, &[key.as_str()]].concat())?);
            continue;
        }
        let Some((_, op)) = OPS.iter().find(|(name, _)| name == key) else {
            return Err(Refusal::bad(format!("Operator \"{key}\" is not supported")));
        };
        inner.push(Filter::test(space, number, path, *op, value)?);
    }
    Ok(Filter::All(inner))
}

/// `[{updatedAt:DescNullsLast},{name:{firstName:AscNullsFirst}}]`
pub(super) fn graph_order(space: &Space, object: usize, value: &Value) -> Outcome<Vec<Order>> {
    let items = value.as_array().map_or_else(|| vec![value.clone()], Clone::clone);
    let mut orders = Vec::new();
    for item in &items {
        for (key, direction) in item.as_object().into_iter().flatten() {
            if let Value::Object(parts) = direction {
                for (part, direction) in parts {
                    orders.push(order(space, object, &[key, part], direction.as_str().unwrap_or_default())?);
                }
            } else {
                orders.push(order(space, object, &[key], direction.as_str().unwrap_or_default())?);
            }
        }
    }
    Ok(orders)
}
