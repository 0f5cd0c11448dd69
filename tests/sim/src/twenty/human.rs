//! What people do in the browser while the product is at work. It follows the database's rules, not the API's.

use serde_json::Value;
use uuid::Uuid;

use super::auth::Caller;
use super::space::Space;
use super::{Twenty, apply, refusal, write};

impl Twenty {
    /// A person in the browser changes a record. Panics if the database would refuse it.
    pub fn edit_as_human(&self, workspace: impl AsRef<str>, plural: &str, id: &str, change: &Value) {
        let id = Uuid::try_parse(id).expect("an id");
        self.by_hand(workspace, plural, |space, object, writer| {
            let plan = write::plan_updates(space, object, &[id], change)?;
            Ok(apply::apply(space, object, plan, writer))
        });
    }

    /// A person in the browser adds a record; gives its id. Panics if the database would refuse it.
    pub fn create_as_human(&self, workspace: impl AsRef<str>, plural: &str, record: &Value) -> String {
        let ids = self.by_hand(workspace, plural, |space, object, writer| {
            let plan = write::plan(space, object, std::slice::from_ref(record), false)?;
            Ok(apply::apply(space, object, plan, writer))
        });
        ids[0].to_string()
    }

    /// A person in the browser deletes a record; it can be restored.
    pub fn soft_delete_as_human(&self, workspace: impl AsRef<str>, plural: &str, id: &str) {
        let id = Uuid::try_parse(id).expect("an id");
        self.by_hand(workspace, plural, |space, object, writer| {
            Ok(apply::set_deleted(space, object, &[id], true, writer))
        });
    }

    /// A person in the browser removes a record for good.
    pub fn destroy_as_human(&self, workspace: impl AsRef<str>, plural: &str, id: &str) {
        let id = Uuid::try_parse(id).expect("an id");
        self.by_hand(workspace, plural, |space, object, _| Ok(apply::destroy(space, object, &[id])));
    }

    fn by_hand(
        &self,
        workspace: impl AsRef<str>,
        plural: &str,
        change: impl FnOnce(&mut Space, usize, &write::Writer) -> Result<write::Done, refusal::Refusal>,
    ) -> Vec<Uuid> {
        let caller = self.any_caller(workspace.as_ref());
        let object =
            self.server.with(&caller, |space| space.plural(plural)).expect("an object of the workspace");
        let done = self.server.as_human(&caller, object, |space, writer| change(space, object, writer));
        done.unwrap_or_else(|refusal| panic!("the database refuses this: {}", refusal.message))
    }

    fn any_caller(&self, workspace: &str) -> Caller {
        let state = self.server.state.lock().unwrap();
        let space = state.spaces.iter().position(|space| space.id.to_string() == workspace);
        let key = state.keys.values().find(|key| key.workspace.to_string() == workspace);
        Caller { key: key.expect("a key").clone(), space: space.expect("a workspace of this server") }
    }
}
