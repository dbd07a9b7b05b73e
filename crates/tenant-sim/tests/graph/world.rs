//! A simulator on a free port, and a client of one of its tenants that reads and writes plain JSON.

use reqwest::{Client, Method};
use serde_json::{Value as Json, json};
use tokio::net::TcpListener;
use xtsync_tenant_sim::{Builder, Sim};

/// A running simulator. Its task ends with the test's runtime.
pub(crate) struct World {
    pub(crate) sim: Sim,
    pub(crate) url: String,
    pub(crate) client: Client,
}

/// A client of one tenant.
#[derive(Clone)]
pub(crate) struct Graph {
    client: Client,
    base: String,
    token: String,
}

/// An answer: its status, headers and body; an empty body is null.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: reqwest::header::HeaderMap,
    pub(crate) body: Json,
}

impl World {
    pub(crate) async fn start(builder: Builder) -> Self {
        let sim = builder.build().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let serving = sim.clone();
        tokio::spawn(async move { serving.serve(listener, std::future::pending()).await });
        Self { sim, url, client: Client::new() }
    }

    /// A tenant `emea` with 120 users and an empty tenant `hub`, both with a closed policy.
    pub(crate) async fn small() -> Self {
        Self::start(Sim::builder().tenant("emea", 120).tenant("hub", 0).seed(7)).await
    }

    pub(crate) async fn graph(&self, tenant: &str) -> Graph {
        self.graph_as(tenant, "app", "secret").await
    }

    pub(crate) async fn graph_as(&self, tenant: &str, id: &str, secret: &str) -> Graph {
        let answer = self.token(tenant, &[("client_id", id), ("client_secret", secret)]).await;
        let token = answer.body["access_token"].as_str().expect("a token").to_owned();
        Graph { client: self.client.clone(), base: format!("{}/v1.0", self.url), token }
    }

    /// Requests a token; missing form fields get valid values.
    pub(crate) async fn token(&self, tenant: &str, form: &[(&str, &str)]) -> Answer {
        let mut whole = vec![("grant_type", "client_credentials"), ("scope", "https://graph.microsoft.com/.default")];
        whole.retain(|(name, _)| form.iter().all(|(given, _)| given != name));
        whole.extend(form);
        let request = self.client.post(format!("{}/{tenant}/oauth2/v2.0/token", self.url)).form(&whole);
        Answer::of(request.send().await.unwrap()).await
    }

    /// Sends a request to the admin API.
    pub(crate) async fn admin(&self, method: Method, path: &str, body: Json) -> Answer {
        let request = self.client.request(method, format!("{}/sim/v1/{path}", self.url)).json(&body);
        Answer::of(request.send().await.unwrap()).await
    }
}

impl Graph {
    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send(Method::GET, path, &[], None).await
    }

    pub(crate) async fn post(&self, path: &str, body: Json) -> Answer {
        self.send(Method::POST, path, &[], Some(body)).await
    }

    pub(crate) async fn patch(&self, path: &str, body: Json) -> Answer {
        self.send(Method::PATCH, path, &[], Some(body)).await
    }

    pub(crate) async fn put(&self, path: &str, body: Json) -> Answer {
        self.send(Method::PUT, path, &[], Some(body)).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Answer {
        self.send(Method::DELETE, path, &[], None).await
    }

    /// Sends a request to a path below the version, or to an absolute URL.
    pub(crate) async fn send(&self, method: Method, path: &str, headers: &[(&str, &str)], body: Option<Json>) -> Answer {
        self.try_send(method, path, headers, body).await.expect("an answer")
    }

    /// Like [`Self::send`]; `None` if the connection is closed without an answer.
    pub(crate) async fn try_send(&self, method: Method, path: &str, headers: &[(&str, &str)], body: Option<Json>) -> Option<Answer> {
        let url = if path.starts_with("http") { path.to_owned() } else { format!("{}{path}", self.base) };
        let mut request = self.client.request(method, url).bearer_auth(&self.token);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if let Some(body) = body {
            request = request.json(&body);
        }
        Some(Answer::of(request.send().await.ok()?).await)
    }

    /// The ids of all objects of a list, over all pages.
    pub(crate) async fn ids(&self, path: &str) -> Vec<String> {
        let (mut ids, mut link) = (Vec::new(), Some(path.to_owned()));
        while let Some(path) = link {
            let page = self.get(&path).await.ok();
            ids.extend(page["value"].as_array().unwrap().iter().map(|object| text(&object["id"])));
            link = page["@odata.nextLink"].as_str().map(str::to_owned);
        }
        ids
    }

    /// Creates a member user and returns the id.
    pub(crate) async fn create_user(&self, name: &str) -> String {
        text(&self.post("/users", new_user(name, "hub.example")).await.ok()["id"])
    }

    /// Creates a group and returns the id.
    pub(crate) async fn group(&self, name: &str) -> String {
        let body = json!({"displayName": name, "mailEnabled": false, "mailNickname": name, "securityEnabled": true});
        text(&self.post("/groups", body).await.ok()["id"])
    }
}

impl Answer {
    async fn of(response: reqwest::Response) -> Self {
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let text = response.text().await.unwrap();
        let body = match serde_json::from_str(&text) {
            Ok(body) => body,
            Err(_) if text.is_empty() => Json::Null,
            Err(_) => Json::String(text),
        };
        Self { status, headers, body }
    }

    /// The body of a successful answer.
    pub(crate) fn ok(self) -> Json {
        assert!((200..300).contains(&self.status), "{self:?}");
        self.body
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    pub(crate) fn code(&self) -> &str {
        self.body["error"]["code"].as_str().unwrap_or_default()
    }

    pub(crate) fn message(&self) -> &str {
        self.body["error"]["message"].as_str().unwrap_or_default()
    }
}

/// The body of a POST that creates a member user.
pub(crate) fn new_user(name: &str, domain: &str) -> Json {
    json!({
        "accountEnabled": true, "displayName": name, "mailNickname": name, "userPrincipalName": format!("{name}@{domain}"),
        "mail": format!("{name}@{domain}"), "passwordProfile": {"password": "not-kept-1"},
    })
}

pub(crate) fn link(id: &str) -> Json {
    json!({"@odata.id": format!("https://graph.microsoft.com/v1.0/directoryObjects/{id}")})
}

pub(crate) fn text(json: &Json) -> String {
    json.as_str().unwrap_or_else(|| panic!("{json} is no text")).to_owned()
}
