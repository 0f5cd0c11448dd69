//! A workspace's data model as Twenty shows it, as far as it concerns us. It is only looked at here; what is
//! missing in it is decided in `plan`.

use std::collections::BTreeMap;

use super::wire::{FieldThere, ObjectThere};
use crate::domain::contract::record;
use crate::domain::schema::{FIELDS, Field, Kind, Object};

/// The data model as it is, as far as it concerns us.
#[derive(Clone, Default)]
pub(super) struct Model(BTreeMap<&'static str, ObjectThere>);

/// A field's full name, as settings and problems write it.
pub(super) fn name(field: &Field) -> String {
    format!("{}.{}", field.object.singular(), field.name)
}

impl Model {
    /// Takes in an object, in place of what was known of it. Objects that are not ours are left out.
    pub(super) fn put_object(&mut self, there: ObjectThere) {
        if let Some(object) = Object::named(&there.name_singular) {
            self.0.insert(object.singular(), there);
        }
    }

    /// Takes in a field as an answer showed it. REST does not show where a relation leads; what was known stays.
    pub(super) fn put_field(&mut self, object: Object, mut there: FieldThere) {
        if let Some(known) = self.0.get_mut(object.singular()) {
            let before = known.fields.iter().position(|it| it.name == there.name);
            if let Some(before) = before.map(|at| known.fields.swap_remove(at)) {
                there.relation = there.relation.or(before.relation);
            }
            known.fields.push(there);
        }
    }

    /// The object as it is there.
    pub(super) fn object(&self, object: Object) -> Option<&ObjectThere> {
        self.0.get(object.singular())
    }

    /// The field as it is there.
    pub(super) fn field(&self, object: Object, name: &str) -> Option<&FieldThere> {
        self.object(object)?.fields.iter().find(|it| it.name == name)
    }

    /// `person.whopStatus` → the options that exist, for every select field we write.
    pub(super) fn options(&self) -> BTreeMap<String, Vec<String>> {
        let fields = FIELDS.iter().chain(record::FIELDS);
        let choices = fields.filter(|field| matches!(field.kind, Kind::Choice(_)));
        let found = choices.filter_map(|field| Some((name(field), self.field(field.object, field.name)?)));
        found.map(|(name, there)| (name, option_values(there))).collect()
    }
}

/// The values of a select field's options.
pub(super) fn option_values(there: &FieldThere) -> Vec<String> {
    let options = there.options.iter().flatten();
    options.filter_map(|option| option.get("value")?.as_str().map(str::to_owned)).collect()
}
