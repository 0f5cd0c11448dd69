//! What a document may ask for at most, checked before anything looks into it deeper.
//!
//! The engine's own checks follow every fragment wherever it is used, so a small document of fragments that
//! use each other twice would keep them busy for ever. This one stops counting at its limit.

use async_graphql::Positioned;
use async_graphql::parser::types::{ExecutableDocument, Selection, SelectionSet};

/// Deepest nesting of fields.
pub(crate) const DEPTH: usize = 10;
/// Highest cost: a field costs 1, a list what its items cost each, a root field what it costs us.
pub(crate) const COST: usize = 6_000;
/// Most selections, fragments followed.
const SELECTIONS: usize = 600;
/// Most fields under another name.
const ALIASES: usize = 20;
/// Most fields at the root, which are what costs calls.
const ROOTS: usize = 12;

/// A document that asks for too much.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum TooMuch {
    #[error("The document selects more than {SELECTIONS} fields. Ask for less at once.")]
    Selections,
    #[error("The document renames more than {ALIASES} fields. Ask for less at once.")]
    Aliases,
    #[error("The document asks for more than {ROOTS} things at once. Send them one after the other.")]
    Roots,
    #[error("The document holds more than one operation. Send them one after the other.")]
    Operations,
}

/// Refuses a document that asks for too much.
pub(crate) fn check(document: &ExecutableDocument) -> Result<(), TooMuch> {
    let mut operations = document.operations.iter();
    let (Some((_, operation)), None) = (operations.next(), operations.next()) else {
        return Err(TooMuch::Operations);
    };
    let mut count = Count { document, selections: 0, aliases: 0, roots: 0 };
    count.walk(&operation.node.selection_set, 0)
}

struct Count<'a> {
    document: &'a ExecutableDocument,
    selections: usize,
    aliases: usize,
    roots: usize,
}

impl Count<'_> {
    fn walk(&mut self, set: &Positioned<SelectionSet>, depth: usize) -> Result<(), TooMuch> {
        for selection in &set.node.items {
            self.selections += 1;
            if self.selections > SELECTIONS {
                return Err(TooMuch::Selections);
            }
            self.step(&selection.node, depth)?;
        }
        Ok(())
    }

    /// Fragments are transparent: what they hold at the root is at the root.
    fn step(&mut self, selection: &Selection, depth: usize) -> Result<(), TooMuch> {
        match selection {
            Selection::Field(field) => {
                self.field(field.node.alias.is_some(), depth)?;
                self.walk(&field.node.selection_set, depth + 1)
            }
            Selection::InlineFragment(fragment) => self.walk(&fragment.node.selection_set, depth),
            Selection::FragmentSpread(spread) => {
                match self.document.fragments.get(&spread.node.fragment_name.node) {
                    Some(fragment) => self.walk(&fragment.node.selection_set, depth),
                    None => Ok(()),
                }
            }
        }
    }

    fn field(&mut self, renamed: bool, depth: usize) -> Result<(), TooMuch> {
        self.aliases += usize::from(renamed);
        self.roots += usize::from(depth == 0);
        if self.aliases > ALIASES {
            return Err(TooMuch::Aliases);
        }
        if self.roots > ROOTS {
            return Err(TooMuch::Roots);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use async_graphql::parser::parse_query;

    use super::*;

    fn checked(document: &str) -> Result<(), TooMuch> {
        check(&parse_query(document).unwrap())
    }

    #[test]
    fn an_ordinary_document_passes() {
        let outcome = checked("query A { a { ...F } b: a { c } } fragment F on T { c d }");

        assert_eq!(outcome, Ok(()));
    }

    #[test]
    fn fragments_that_double_each_other_are_refused_before_they_explode() {
        let doubling = (0..28)
            .map(|n| format!("fragment F{n} on T {{ a {{ ...F{m} }} b {{ ...F{m} }} }} ", m = n + 1))
            .collect::<Vec<_>>()
            .concat();
        let document = format!("{{ root {{ ...F0 }} }} {doubling} fragment F28 on T {{ c }}");

        assert_eq!(checked(&document), Err(TooMuch::Selections));
    }

    #[test]
    fn a_fragment_that_holds_itself_is_refused() {
        assert_eq!(checked("{ root { ...F } } fragment F on T { a { ...F } }"), Err(TooMuch::Selections));
    }

    #[test]
    fn the_same_thing_under_many_names_is_refused() {
        let many = (0..30).map(|n| format!("a{n}: a ")).collect::<Vec<_>>().concat();

        assert_eq!(checked(&format!("{{ root {{ {many} }} }}")), Err(TooMuch::Aliases));
    }

    #[test]
    fn many_root_fields_are_refused_even_inside_fragments() {
        let many = (0..20).map(|n| format!("f{n} ")).collect::<Vec<_>>().concat();

        assert_eq!(checked(&format!("{{ ...F }} fragment F on Query {{ {many} }}")), Err(TooMuch::Roots));
    }

    #[test]
    fn two_operations_are_refused() {
        assert_eq!(checked("query A { a } query B { b }"), Err(TooMuch::Operations));
    }
}
