//! The JWT grant: an assertion signed with the app's RSA key becomes an access token for an hour.
//!
//! The signature is made by `ring`, which is in every function already because it carries TLS, and signs with
//! PKCS#1 keys as `DocuSign` hands them out. A crate for JWTs would bring a second generation of digests.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use ring::rand::SystemRandom;
use ring::rsa::KeyPair;
use ring::signature::RSA_PKCS1_SHA256;
use serde::Deserialize;
use serde_json::json;
use url::Url;
use zeroize::Zeroizing;

use super::super::Token;
use super::super::error::{EsignError, Trouble, word};
use super::super::line::{Ask, below, by_status, read, with_query};
use super::DocuSign;
use crate::domain::contract::account::Environment;
use crate::domain::grant::Secret;
use crate::domain::time::Timestamp;
use crate::http::{Answer, Body};

/// The life of an assertion, in seconds; the token's does not depend on it.
const ASSERTION_SECONDS: i64 = 600;

const SCOPE: &str = "signature impersonation";
const GRANT: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";

#[derive(Deserialize)]
struct Granted {
    access_token: String,
    expires_in: u64,
}

#[derive(Deserialize)]
struct Refused {
    error: Option<String>,
    error_description: Option<String>,
}

#[derive(Deserialize)]
struct UserInfo {
    #[serde(default)]
    accounts: Vec<AccountSeen>,
}

#[derive(Deserialize)]
struct AccountSeen {
    account_id: String,
    #[serde(default)]
    is_default: bool,
    base_uri: String,
}

impl DocuSign {
    /// Signs an assertion, exchanges it, and finds out where the account lives.
    pub(in crate::esign) async fn log_in(&self, now: Timestamp) -> Result<Token, EsignError> {
        let assertion = self.assertion(now)?;
        let form = url::form_urlencoded::Serializer::new(String::new())
            .append_pair("grant_type", GRANT)
            .append_pair("assertion", &assertion)
            .finish();
        let url = below(&self.oauth, &["oauth", "token"]);
        let ask = Ask { body: Body::Form(form), ..Ask::new(http::Method::POST, url) };
        let answer = ask.send(&self.http, None).await?;
        if answer.status != 200 {
            return Err(self.refusal(&answer));
        }
        let granted: Granted = read(&answer)?;
        let access = Secret::new(granted.access_token);
        let (account, base) = self.discover(&access).await?;
        let until = now + std::time::Duration::from_secs(granted.expires_in);
        Ok(Token { access, until, account, base })
    }

    async fn discover(&self, access: &Secret) -> Result<(String, Url), EsignError> {
        let url = below(&self.oauth, &["oauth", "userinfo"]);
        let answer = Ask::get(url).send(&self.http, Some(format!("Bearer {}", access.expose()))).await?;
        if answer.status != 200 {
            return Err(EsignError::new(by_status(answer.status, &answer.headers)));
        }
        let seen: UserInfo = read(&answer)?;
        let wanted = self.account.account_id.as_deref();
        let fits = |it: &AccountSeen| match wanted {
            Some(wanted) => it.account_id.eq_ignore_ascii_case(wanted),
            None => it.is_default,
        };
        let missing = || EsignError::because(Trouble::Misconfigured, "account_not_found");
        let account = seen.accounts.into_iter().find(fits).ok_or_else(missing)?;
        let base = account.base_uri.parse().map_err(|_| missing())?;
        Ok((account.account_id, base))
    }

    /// Why there is no token. The description is a word or two of `DocuSign`'s, never what was sent.
    fn refusal(&self, answer: &Answer) -> EsignError {
        let said: Option<Refused> = serde_json::from_slice(&answer.body).ok();
        let error = said.as_ref().and_then(|it| it.error.as_deref()).unwrap_or_default();
        let trouble = match (answer.status, error) {
            (400, "consent_required") => Trouble::ConsentRequired { at: self.consent_url() },
            (400, _) => Trouble::Misconfigured,
            (status, _) => by_status(status, &answer.headers),
        };
        let described = said.as_ref().and_then(|it| word(it.error_description.as_deref()));
        let code = described.or_else(|| word(Some(error)));
        EsignError { status: Some(answer.status), code, ..EsignError::new(trouble) }
    }

    /// Where an administrator agrees, once for the user. The caller adds the app's registered `redirect_uri`.
    fn consent_url(&self) -> String {
        let url = below(&self.oauth, &["oauth", "auth"]);
        let client = self.account.integration_key.as_str();
        let query = [("response_type", "code"), ("scope", SCOPE), ("client_id", client)];
        with_query(url, &query).to_string()
    }

    fn assertion(&self, now: Timestamp) -> Result<String, EsignError> {
        // The bare host name of the environment, which has to be the one that is called.
        let audience = match self.account.environment {
            Environment::Sandbox => "account-d.docusign.com",
            Environment::Production => "account.docusign.com",
        };
        let header = json!({"alg": "RS256", "typ": "JWT"});
        let claims = json!({
            "iss": self.account.integration_key,
            "sub": self.account.user_id,
            "aud": audience,
            "iat": now.seconds(),
            "exp": now.seconds() + ASSERTION_SECONDS,
            "scope": SCOPE,
        });
        let part = |value: serde_json::Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let message = format!("{}.{}", part(header), part(claims));
        let signature = sign(&self.account.private_key, message.as_bytes())
            .ok_or_else(|| EsignError::because(Trouble::Misconfigured, "private_key"))?;
        Ok(format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }
}

/// RSA with SHA-256 under a key of at least 2048 bits; nothing if the key is none.
fn sign(pem: &Secret, message: &[u8]) -> Option<Vec<u8>> {
    let key = key_pair(pem)?;
    let mut signature = vec![0; key.public().modulus_len()];
    key.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message, &mut signature).ok()?;
    Some(signature)
}

/// True if the text is an RSA private key that assertions can be signed with.
pub(in crate::esign) fn is_private_key(pem: &Secret) -> bool {
    key_pair(pem).is_some()
}

/// A PEM in PKCS#1 as `DocuSign` shows it, or in PKCS#8 as tools convert it.
fn key_pair(pem: &Secret) -> Option<KeyPair> {
    let text = pem.expose();
    let (begin, end, pkcs8) = if text.contains("-----BEGIN RSA PRIVATE KEY-----") {
        ("-----BEGIN RSA PRIVATE KEY-----", "-----END RSA PRIVATE KEY-----", false)
    } else {
        ("-----BEGIN PRIVATE KEY-----", "-----END PRIVATE KEY-----", true)
    };
    let (_, inside) = text.split_once(begin)?;
    let (inside, _) = inside.split_once(end)?;
    // A key that was pasted into one line has its line breaks as text.
    let inside = Zeroizing::new(inside.replace("\\n", ""));
    let plain: Zeroizing<String> = Zeroizing::new(inside.chars().filter(|c| !c.is_whitespace()).collect());
    let der = Zeroizing::new(STANDARD.decode(plain.as_bytes()).ok()?);
    if pkcs8 { KeyPair::from_pkcs8(&der).ok() } else { KeyPair::from_der(&der).ok() }
}
