//! Reads and edits a simulated tenant through Microsoft Graph, with the rights of its administrator.

use anyhow::{Context as _, Result, ensure};
use reqwest::{Client, Method};
use serde_json::{Value, json};

/// A tenant, reached through Graph with the simulator's own application.
#[derive(Debug, Clone)]
pub struct Tenant {
    http: Client,
    base: String,
    token: String,
}

impl Tenant {
    /// Signs in at a simulator such as `http://127.0.0.1:8700`.
    ///
    /// # Errors
    /// If the simulator refuses the sign-in.
    pub async fn sign_in(base: &str, tenant: &str) -> Result<Self> {
        let http = Client::new();
        let form = [
            ("grant_type", "client_credentials"),
            ("client_id", "app"),
            ("client_secret", "secret"),
            ("scope", "https://graph.microsoft.com/.default"),
        ];
        let answer: Value =
            http.post(format!("{base}/{tenant}/oauth2/v2.0/token")).form(&form).send().await?.error_for_status()?.json().await?;
        let token = answer["access_token"].as_str().context("no token in the answer")?.to_owned();
        Ok(Self { http, base: format!("{base}/v1.0"), token })
    }

    /// Every object of a collection, over all pages.
    ///
    /// # Errors
    /// If a page cannot be read.
    pub async fn all(&self, path: &str) -> Result<Vec<Value>> {
        let mut objects = Vec::new();
        let mut next = Some(format!("{}{path}", self.base));
        while let Some(url) = next {
            let mut page = self.send(Method::GET, &url, None).await?;
            next = page["@odata.nextLink"].as_str().map(str::to_owned);
            if let Some(Value::Array(values)) = page.get_mut("value").map(Value::take) {
                objects.extend(values);
            }
        }
        Ok(objects)
    }

    /// One object.
    ///
    /// # Errors
    /// If it cannot be read.
    pub async fn get(&self, path: &str) -> Result<Value> {
        self.send(Method::GET, &format!("{}{path}", self.base), None).await
    }

    /// Creates an object; returns the answer of the tenant.
    ///
    /// # Errors
    /// If the tenant refuses.
    pub async fn post(&self, path: &str, body: Value) -> Result<Value> {
        self.send(Method::POST, &format!("{}{path}", self.base), Some(body)).await
    }

    /// Patches an object.
    ///
    /// # Errors
    /// If the tenant refuses.
    pub async fn patch(&self, path: &str, body: Value) -> Result<()> {
        self.send(Method::PATCH, &format!("{}{path}", self.base), Some(body)).await.map(drop)
    }

    /// Puts an object.
    ///
    /// # Errors
    /// If the tenant refuses.
    pub async fn put(&self, path: &str, body: Value) -> Result<()> {
        self.send(Method::PUT, &format!("{}{path}", self.base), Some(body)).await.map(drop)
    }

    /// Deletes an object.
    ///
    /// # Errors
    /// If the tenant refuses.
    pub async fn delete(&self, path: &str) -> Result<()> {
        self.send(Method::DELETE, &format!("{}{path}", self.base), None).await.map(drop)
    }

    /// The tenant's directory id.
    ///
    /// # Errors
    /// If it cannot be read.
    pub async fn directory_id(&self) -> Result<String> {
        let organizations = self.all("/organization").await?;
        Ok(organizations.first().and_then(|organization| organization["id"].as_str()).context("no organization")?.to_owned())
    }

    /// The id of the one group of this name.
    ///
    /// # Errors
    /// If there is none or several.
    pub async fn group(&self, name: &str) -> Result<String> {
        let groups = self.all(&format!("/groups?$filter=displayName eq '{name}'")).await?;
        ensure!(groups.len() == 1, "{} groups are called {name}", groups.len());
        Ok(groups[0]["id"].as_str().context("a group without id")?.to_owned())
    }

    /// Adds a user to a group.
    ///
    /// # Errors
    /// If the tenant refuses.
    pub async fn join(&self, group: &str, user: &str) -> Result<()> {
        let reference = json!({"@odata.id": format!("{}/directoryObjects/{user}", self.base)});
        self.post(&format!("/groups/{group}/members/$ref"), reference).await.map(drop)
    }

    /// Removes a user from a group.
    ///
    /// # Errors
    /// If the tenant refuses.
    pub async fn leave(&self, group: &str, user: &str) -> Result<()> {
        self.delete(&format!("/groups/{group}/members/{user}/$ref")).await
    }

    async fn send(&self, method: Method, url: &str, body: Option<Value>) -> Result<Value> {
        let mut request = self.http.request(method.clone(), url).bearer_auth(&self.token).header("ConsistencyLevel", "eventual");
        if let Some(body) = body {
            request = request.json(&body);
        }
        let answer = request.send().await?;
        let status = answer.status();
        let text = answer.text().await?;
        ensure!(status.is_success(), "{method} {url}: {status} {text}");
        if text.is_empty() { Ok(Value::Null) } else { serde_json::from_str(&text).with_context(|| format!("{method} {url}")) }
    }
}
