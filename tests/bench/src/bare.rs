//! The bare client: the protocol of a create, request for request, with the same HTTP library and nothing else. No store, no bus, no
//! retry; what it does in a second is what the machine and the simulator give.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use anyhow::{Context as _, Result};
use futures::future::try_join_all;
use reqwest::{Client, RequestBuilder};
use serde_json::{Value, json};
use xtsync_e2e::oracle::MAPPED;

/// A target, and users to create there.
pub(crate) struct Bare {
    http: Client,
    base: String,
    token: String,
    anchor: String,
    select: String,
}

impl Bare {
    /// Signs in.
    ///
    /// # Errors
    /// If the simulator refuses the sign-in.
    pub(crate) async fn sign_in(address: &str, tenant: &str) -> Result<Self> {
        let http = Client::builder().no_proxy().build()?;
        let form = [("grant_type", "client_credentials"), ("client_id", "app"), ("client_secret", "secret")];
        let url = format!("{address}/{tenant}/oauth2/v2.0/token");
        let scope = ("scope", "https://graph.microsoft.com/.default");
        let answer: Value = http.post(url).form(&[&form[..], &[scope]].concat()).send().await?.error_for_status()?.json().await?;
        let token = answer["access_token"].as_str().context("no token")?.to_owned();
        let base = format!("{address}/v1.0");
        let url = format!("{base}/directoryObjects/getAvailableExtensionProperties");
        let answer: Value = http.post(url).bearer_auth(&token).json(&json!({})).send().await?.error_for_status()?.json().await?;
        let names = answer["value"].as_array().into_iter().flatten().filter_map(|property| property["name"].as_str());
        let anchor = names.into_iter().find(|name| name.ends_with("_xtsyncAnchor")).context("no anchor")?.to_owned();
        let select = format!("id,mail,accountEnabled,userType,creationType,externalUserState,proxyAddresses,{anchor},{}", MAPPED.join(","));
        Ok(Self { http, base, token, anchor, select })
    }

    /// Creates `count` users with bounded concurrency; returns users per second.
    ///
    /// # Errors
    /// If the simulator refuses one.
    pub(crate) async fn create(self, count: usize, at_once: usize) -> Result<f64> {
        let (client, next) = (Arc::new(self), Arc::new(AtomicUsize::new(0)));
        let began = Instant::now();
        let workers = (0..at_once).map(|_| {
            let (client, next) = (Arc::clone(&client), Arc::clone(&next));
            tokio::spawn(async move {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= count {
                        return anyhow::Ok(());
                    }
                    client.one(number).await?;
                }
            })
        });
        for done in try_join_all(workers).await? {
            done?;
        }
        Ok(count as f64 / began.elapsed().as_secs_f64())
    }

    /// Look-up among users, bin and contacts at once; invitation; read; attributes with the anchor; read.
    async fn one(&self, number: usize) -> Result<()> {
        let address = format!("bare.user.{number}@emea.example");
        let anchor = format!("00000000-0000-0000-0000-000000000000/{number}");
        let mail = format!("mail eq '{address}' or proxyAddresses/any(p:p eq 'smtp:{address}')");
        let ours = format!("{} eq '{anchor}' or {mail} or otherMails/any(m:m eq '{address}')", self.anchor);
        let external = format!("{}#EXT#@", address.replace('@', "_"));
        let users = format!("{ours} or userPrincipalName eq '{address}' or startsWith(userPrincipalName,'{external}')");
        tokio::try_join!(
            self.search("/users", &users, &self.select),
            self.search("/directory/deletedItems/microsoft.graph.user", &ours, &self.select),
            self.search("/contacts", &mail, "id,mail,proxyAddresses"),
        )?;
        let invitation = json!({
            "invitedUserEmailAddress": address, "inviteRedirectUrl": "https://myapplications.microsoft.com",
            "sendInvitationMessage": false, "invitedUserDisplayName": format!("Bare User {number}"),
        });
        let invited = self.json(self.http.post(format!("{}/invitations", self.base)).json(&invitation)).await?;
        let id = invited["invitedUser"]["id"].as_str().context("no user was invited")?;
        self.read(id).await?;
        let mut body: Value = MAPPED.iter().map(|name| ((*name).to_owned(), json!(format!("{name} {number}")))).collect();
        body["preferredLanguage"] = json!("en-US");
        body["usageLocation"] = json!("NL");
        body["userType"] = json!("Member");
        body[&self.anchor] = json!(anchor);
        self.send(self.http.patch(format!("{}/users/{id}", self.base)).json(&body)).await?;
        self.read(id).await.map(drop)
    }

    async fn search(&self, path: &str, filter: &str, select: &str) -> Result<Value> {
        self.json(self.http.get(format!("{}{path}", self.base)).query(&[("$filter", filter), ("$select", select)])).await
    }

    async fn read(&self, id: &str) -> Result<Value> {
        self.json(self.http.get(format!("{}/users/{id}", self.base)).query(&[("$select", &self.select)])).await
    }

    async fn json(&self, request: RequestBuilder) -> Result<Value> {
        Ok(serde_json::from_slice(&self.send(request).await?)?)
    }

    async fn send(&self, request: RequestBuilder) -> Result<Vec<u8>> {
        let answer = request.bearer_auth(&self.token).send().await?;
        let status = answer.status();
        let body = answer.bytes().await?;
        anyhow::ensure!(status.is_success(), "{status}: {}", String::from_utf8_lossy(&body));
        Ok(body.into())
    }
}
