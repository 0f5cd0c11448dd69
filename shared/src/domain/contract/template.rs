//! Templates at a provider, as far as we need them.

use crate::domain::id::TemplateId;

/// A role that a template leaves open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TemplateRole {
    /// Case matters to all three providers.
    pub name: String,
    /// 1 signs first; absent where the template leaves it open.
    pub order: Option<u16>,
}

/// A template as far as we need it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template {
    pub id: TemplateId,
    pub name: String,
    /// Absent in lists of providers that name them only one by one.
    pub roles: Option<Vec<TemplateRole>>,
    /// Fields that the sender may fill.
    pub fields: Option<Vec<String>>,
    /// False where it is good for tests only.
    pub usable: bool,
}

/// One page of templates.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TemplatePage {
    pub templates: Vec<Template>,
    /// Where the next page begins.
    pub next: Option<u32>,
}
