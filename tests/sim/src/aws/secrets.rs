//! Secrets Manager: values by name or ARN, with the stages `AWSCURRENT` and `AWSPREVIOUS`.
//!
//! It plays reading, writing and describing a secret; everything else is refused. It never shows a value in a log.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::json::{Dialect, Refusal, read, unknown_operation};
use super::{ACCOUNT, REGION};
use crate::clock::Clock;
use crate::fault::Faults;
use crate::serve::{Served, serve};

const CURRENT: &str = "AWSCURRENT";
const PREVIOUS: &str = "AWSPREVIOUS";

const DIALECT: Dialect = Dialect {
    content_type: "application/x-amz-json-1.1",
    target_prefix: "secretsmanager.",
    signing_name: "secretsmanager",
};

struct Version {
    id: String,
    value: Content,
    stages: Vec<String>,
    created_ms: i64,
}

#[derive(Clone, PartialEq, Eq)]
enum Content {
    Text(String),
    /// Base64, as it travels.
    Binary(String),
}

struct Secret {
    created_ms: i64,
    versions: Vec<Version>,
}

impl Secret {
    fn at_stage(&self, stage: &str) -> Option<&Version> {
        self.versions.iter().find(|version| version.stages.iter().any(|held| held == stage))
    }

    /// Gives `stage` to the version `id` and takes it from whichever had it.
    fn move_stage(&mut self, stage: &str, id: &str) {
        for version in &mut self.versions {
            version.stages.retain(|held| held != stage);
            if version.id == id {
                version.stages.push(stage.to_owned());
            }
        }
    }

    fn add(&mut self, version: Version, stages: &[String]) {
        let id = version.id.clone();
        self.versions.push(version);
        let before = self.at_stage(CURRENT).map(|version| version.id.clone());
        for stage in stages {
            self.move_stage(stage, &id);
        }
        if let Some(before) = before
            && stages.iter().any(|stage| stage == CURRENT)
        {
            self.move_stage(PREVIOUS, &before);
        }
    }
}

type Vault = BTreeMap<String, Secret>;

/// The service. Clones are the same service; it stops listening when the last clone is dropped.
#[derive(Clone)]
pub struct Secrets {
    vault: Arc<Mutex<Vault>>,
    clock: Clock,
    served: Arc<Served>,
}

impl std::fmt::Debug for Secrets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Secrets").field("url", &self.url()).finish()
    }
}

impl Secrets {
    /// A service without secrets.
    ///
    /// # Panics
    ///
    /// When the port is taken.
    pub async fn start(clock: &Clock, faults: &Faults, port: u16) -> Self {
        let vault = Arc::new(Mutex::new(Vault::new()));
        let (seen, now) = (Arc::clone(&vault), clock.clone());
        let router = DIALECT.router(move |operation, body| {
            let result = run(&mut seen.lock().unwrap(), now.now_ms(), &operation, &body);
            async move { result }
        });
        let served = serve(faults.in_front_of("secrets", router), port)
            .await
            .unwrap_or_else(|error| panic!("Secrets Manager cannot listen on port {port}: {error}"));
        Self { vault, clock: clock.clone(), served: Arc::new(served) }
    }

    /// The endpoint for an SDK client.
    pub fn url(&self) -> String {
        self.served.url()
    }

    /// Makes `value` the current version of a secret, creating the secret when it is missing. Returns its ARN.
    pub fn put(&self, name: &str, value: &str) -> String {
        let now = self.clock.now_ms();
        let mut vault = self.vault.lock().unwrap();
        let secret =
            vault.entry(name.to_owned()).or_insert_with(|| Secret { created_ms: now, versions: Vec::new() });
        let seed = format!("{name}/{}/{now}", secret.versions.len());
        let version = Version {
            id: Uuid::new_v5(&Uuid::NAMESPACE_URL, seed.as_bytes()).to_string(),
            value: Content::Text(value.to_owned()),
            stages: Vec::new(),
            created_ms: now,
        };
        secret.add(version, &[CURRENT.to_owned()]);
        arn(name)
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct GetSecretValue {
    secret_id: String,
    version_id: Option<String>,
    version_stage: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct PutSecretValue {
    secret_id: String,
    client_request_token: Option<String>,
    secret_string: Option<String>,
    secret_binary: Option<String>,
    version_stages: Option<Vec<String>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct DescribeSecret {
    secret_id: String,
}

fn run(vault: &mut Vault, now: i64, operation: &str, body: &Bytes) -> Result<Value, Refusal> {
    match operation {
        "GetSecretValue" => get(vault, &read(body)?),
        "PutSecretValue" => put(vault, now, read(body)?),
        "DescribeSecret" => describe(vault, &read(body)?),
        other => Err(unknown_operation(other)),
    }
}

fn get(vault: &Vault, request: &GetSecretValue) -> Result<Value, Refusal> {
    let name = name_of(vault, &request.secret_id)?;
    let secret = &vault[&name];
    let stage = request.version_stage.as_deref().unwrap_or(CURRENT);
    let found = match &request.version_id {
        Some(id) => secret.versions.iter().find(|version| version.id == *id),
        None => secret.at_stage(stage),
    };
    let found = found
        .filter(|version| request.version_stage.is_none() || version.stages.iter().any(|held| held == stage))
        .ok_or_else(|| {
            let looked_for = request
                .version_id
                .as_ref()
                .map_or_else(|| format!("staging label: {stage}"), |id| format!("VersionId: {id}"));
            not_found(format!("Secrets Manager can't find the specified secret value for {looked_for}"))
        })?;
    let (kind, value) = match &found.value {
        Content::Text(text) => ("SecretString", text),
        Content::Binary(base64) => ("SecretBinary", base64),
    };
    Ok(json!({
        "ARN": arn(&name),
        "Name": name,
        "VersionId": found.id,
        kind: value,
        "VersionStages": found.stages,
        "CreatedDate": seconds(found.created_ms),
    }))
}

fn put(vault: &mut Vault, now: i64, request: PutSecretValue) -> Result<Value, Refusal> {
    let name = name_of(vault, &request.secret_id)?;
    let value = match (request.secret_string, request.secret_binary) {
        (Some(text), None) => Content::Text(text),
        (None, Some(base64)) => Content::Binary(base64),
        (Some(_), Some(_)) | (None, None) => {
            return Err(Refusal::new(
                "InvalidParameterException",
                "You must provide either SecretString or SecretBinary.",
            ));
        }
    };
    let Some(id) = request.client_request_token else {
        return Err(Refusal::new(
            "InvalidRequestException",
            "You must provide a ClientRequestToken value. We recommend a UUID-type value.",
        ));
    };
    let stages = request.version_stages.unwrap_or_else(|| vec![CURRENT.to_owned()]);
    let secret = vault.get_mut(&name).expect("the name was looked up");
    match secret.versions.iter().find(|version| version.id == id) {
        Some(same) if same.value == value => {}
        Some(_) => {
            return Err(Refusal::new(
                "ResourceExistsException",
                "You can't use ClientRequestToken again for a different value: the version already exists.",
            ));
        }
        None => {
            let version = Version { id: id.clone(), value, stages: Vec::new(), created_ms: now };
            secret.add(version, &stages);
        }
    }
    let held = secret.versions.iter().find(|version| version.id == id);
    let stages = held.map(|version| version.stages.clone());
    Ok(json!({ "ARN": arn(&name), "Name": name, "VersionId": id, "VersionStages": stages }))
}

fn describe(vault: &Vault, request: &DescribeSecret) -> Result<Value, Refusal> {
    let name = name_of(vault, &request.secret_id)?;
    let secret = &vault[&name];
    let stages: BTreeMap<&str, &Vec<String>> = secret
        .versions
        .iter()
        .filter(|version| !version.stages.is_empty())
        .map(|version| (version.id.as_str(), &version.stages))
        .collect();
    let changed = secret.versions.last().map(|version| seconds(version.created_ms));
    Ok(json!({
        "ARN": arn(&name),
        "Name": name,
        "CreatedDate": seconds(secret.created_ms),
        "LastChangedDate": changed,
        "VersionIdsToStages": stages,
    }))
}

/// A secret is named by its name, or by its ARN with or without the random tail.
fn name_of(vault: &Vault, id: &str) -> Result<String, Refusal> {
    vault
        .keys()
        .find(|name| {
            let whole = arn(name);
            *name == id || whole == id || whole.strip_suffix(TAIL) == Some(id)
        })
        .cloned()
        .ok_or_else(|| not_found("Secrets Manager can't find the specified secret.".to_owned()))
}

/// The six characters that the real service draws at random.
const TAIL: &str = "-s1mAws";

fn arn(name: &str) -> String {
    format!("arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:{name}{TAIL}")
}

fn not_found(message: String) -> Refusal {
    Refusal::new("ResourceNotFoundException", message)
}

/// A moment as the protocol writes it: seconds with a fraction.
fn seconds(ms: i64) -> Value {
    serde_json::from_str(&format!("{}.{:03}", ms.div_euclid(1000), ms.rem_euclid(1000)))
        .expect("a decimal number")
}
