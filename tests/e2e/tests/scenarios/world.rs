//! The world of a scenario: simulated tenants, all roles on embedded parts, and the administrator's commands.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::{Map, Value, json};
use tokio::time::{Instant, sleep};
use uuid::Uuid;
use xtsync::exit::Failure;
use xtsync::output::condition::{optional_text, text};
use xtsync::sandbox::Sandbox;
use xtsync_tenant_sim::{Access, ObjectKind, Sim, TenantHandle, anchor_property};

use crate::answer::{self, Answer};
use crate::script::Command;
use crate::{settings, show, synchronization};

/// The longest wait for convergence.
const CONVERGE_TIMEOUT: Duration = Duration::from_secs(30);

/// The interval between two reads of the status.
const POLL_INTERVAL: Duration = Duration::from_millis(50);

pub(crate) struct World {
    tenants: Vec<String>,
    /// The names of tenants in files, where they differ from those of the script.
    file_names: BTreeMap<String, String>,
    /// The names of renamed tenants, by the names of the script.
    renamed: BTreeMap<String, String>,
    /// Open once the script has described the tenants.
    sandbox: Option<Sandbox>,
    /// The names of the script by anchor.
    names: BTreeMap<String, String>,
    /// The ids of the script's people and groups by `tenant/name`.
    ids: BTreeMap<String, Uuid>,
    /// The scripted answers by the requests they are about.
    answers: Vec<(String, u64)>,
    /// The number of the journal's newest entry at the last `mark`.
    marked: u64,
}

impl World {
    pub(crate) fn new() -> Self {
        Self {
            tenants: Vec::new(),
            file_names: BTreeMap::new(),
            renamed: BTreeMap::new(),
            sandbox: None,
            names: BTreeMap::new(),
            ids: BTreeMap::new(),
            answers: Vec::new(),
            marked: 0,
        }
    }

    /// Performs the command of a line; returns its answer.
    pub(crate) async fn perform(&mut self, command: &Command) -> Result<String> {
        if command.verb() == "tenant" {
            self.tenants.push(command.word(1)?.to_owned());
            return Ok(String::new());
        }
        if self.sandbox.is_none() {
            self.sandbox = Some(self.open().await?);
        }
        match command.verb() {
            "allow" => self.consent(command, true)?,
            "forbid" => self.consent(command, false)?,
            "group" => self.group(command)?,
            "extension" => settings::extension(command, &self.tenant(command)?)?,
            "nest" => self.nest(command)?,
            "user" => self.user(command)?,
            "guest" => self.guest(command)?,
            "set" => self.set(command)?,
            "join" => self.tenant(command)?.add_member(self.id(command, 3)?, self.id(command, 2)?)?,
            "leave" => self.tenant(command)?.remove_member(self.id(command, 3)?, self.id(command, 2)?)?,
            "domains" => settings::domains(command, &self.tenant(command)?)?,
            "secret" => settings::secret(command, self.sandbox_mut()?)?,
            "rename" => self.rename(command).await?,
            "file-name" => drop(self.file_names.insert(command.word(1)?.to_owned(), command.word(2)?.to_owned())),
            "rename-group" => settings::rename_group(command, &self.tenant(command)?, self.id(command, 2)?)?,
            "forget-partner" => settings::forget_partner(&self.tenant(command)?, self.sandbox()?.sim().tenant(command.word(2)?))?,
            "redeem" => return settings::redeem(&self.tenant(command)?, self.id(command, 2)?),
            "refused" => return self.refused(command).await,
            "purge" => self.tenant(command)?.purge_user(self.id(command, 2)?)?,
            "delete" => self.tenant(command)?.delete_user(self.id(command, 2)?)?,
            "delete-group" => self.tenant(command)?.delete_group(self.id(command, 2)?)?,
            "restore" => self.tenant(command)?.restore_user(self.id(command, 2)?)?,
            "answer" => self.answer(command)?,
            "resync" => self.sandbox_mut()?.resync(command.word(1)?).await.map_err(unexpected)?,
            "expire-tokens" => self.sandbox()?.sim().expire_tokens(),
            "mark" => self.marked = self.sandbox()?.sim().journal().last(),
            "apply" => self.apply(command).await?,
            "converge" => self.sandbox_mut()?.converge(CONVERGE_TIMEOUT).await.map_err(unexpected)?,
            "await-gate" => self.await_gate(command).await?,
            "get" => return self.get(command).await,
            "until" => return self.until(command).await,
            "retry" => self.retry(command).await?,
            "rehire" => return self.rehire(command).await,
            "count" => self.count(command).await?,
            "show" => return Ok(show::people(&self.tenant(command)?, &self.names, command.after(2))),
            "written" => return self.written(command),
            "mails" => return self.mails(command),
            "status" => return self.status(command).await,
            "blocked" => return settings::blocked(command, self.sandbox_mut()?).await,
            "link" => return self.link(command).await,
            other => bail!("'{other}' is no word of a script"),
        }
        Ok(String::new())
    }

    pub(crate) async fn stop(self) -> Result<()> {
        if let Some(sandbox) = self.sandbox {
            sandbox.close().await?;
        }
        Ok(())
    }

    async fn open(&self) -> Result<Sandbox> {
        let builder = self.tenants.iter().fold(Sim::builder(), |builder, tenant| builder.tenant(tenant, 0));
        let builder = builder.client(settings::WRITER, settings::SECRET, Access::WriteUsers);
        Sandbox::open(builder.seed(7).build()?).await
    }

    fn sandbox(&self) -> Result<&Sandbox> {
        self.sandbox.as_ref().context("a script begins with its tenants")
    }

    fn sandbox_mut(&mut self) -> Result<&mut Sandbox> {
        self.sandbox.as_mut().context("a script begins with its tenants")
    }

    fn named(&self, name: &str) -> Result<TenantHandle> {
        self.sandbox()?.tenant(name)
    }

    fn tenant(&self, command: &Command) -> Result<TenantHandle> {
        self.named(command.word(1)?)
    }

    fn id(&self, command: &Command, index: usize) -> Result<Uuid> {
        let (tenant, name) = (command.word(1)?, command.word(index)?);
        if name.contains('/') {
            return self.shadow(tenant, name);
        }
        let key = format!("{tenant}/{name}");
        self.ids.get(&key).copied().with_context(|| format!("no user or group is named {key}"))
    }

    fn answer(&mut self, command: &Command) -> Result<()> {
        let sim = self.sandbox()?.sim().clone();
        let script = sim.script();
        match answer::read(command, |name| self.about(command.word(1)?, name))? {
            Answer::EndAll => script.clear(),
            Answer::End(about) => {
                let rules: Vec<u64> = self.answers.extract_if(.., |(known, _)| *known == about).map(|(_, id)| id).collect();
                ensure!(!rules.is_empty(), "nothing is answered to {about}");
                let met = rules.iter().map(|id| (script.used(*id), script.remove(*id))).all(|(used, _)| used > 0);
                ensure!(met, "no request met the answer to {about}");
            }
            Answer::Begin(about, rule) => {
                let id = script.install(*rule)?;
                self.answers.push((about, id));
            }
        }
        Ok(())
    }

    /// The texts that identify a user of the script in requests to a tenant: the ids in both tenants, and the addresses.
    fn about(&self, tenant: &str, name: &str) -> Result<Vec<String>> {
        if !name.contains('/') {
            let id = self.named(&name.to_lowercase())?.id().to_string();
            return Ok(vec![if name.chars().all(char::is_uppercase) { id.to_uppercase() } else { id }]);
        }
        let id = self.ids.get(name).with_context(|| format!("no user is named {name}"))?;
        let home = self.named(name.split('/').next().unwrap_or_default())?;
        let user = home.user(*id).unwrap_or_default();
        let addresses = ["mail", "userPrincipalName"].into_iter().filter_map(|name| user[name].as_str().map(str::to_owned));
        let shadows = self.named(tenant)?.find_users(&anchor_property(), &format!("{}/{id}", home.id()));
        Ok(std::iter::once(id.to_string()).chain(addresses).chain(shadows.iter().map(Uuid::to_string)).collect())
    }

    /// The shadow user of a home user in a tenant.
    fn shadow(&self, tenant: &str, name: &str) -> Result<Uuid> {
        let id = self.ids.get(name).with_context(|| format!("no user is named {name}"))?;
        let home = self.named(name.split('/').next().unwrap_or_default())?;
        let found = self.named(tenant)?.find_users(&anchor_property(), &format!("{}/{id}", home.id()));
        found.first().copied().with_context(|| format!("{name} has no shadow user in {tenant}"))
    }

    fn consent(&self, command: &Command, given: bool) -> Result<()> {
        let (source, target) = command.pair()?;
        let sim = self.sandbox()?.sim();
        if given { sim.allow(source, target) } else { sim.forbid(source, target) }
    }

    fn group(&mut self, command: &Command) -> Result<()> {
        let name = command.word(2)?;
        let body = json!({"displayName": name, "mailEnabled": false, "mailNickname": name, "securityEnabled": true});
        let id = self.tenant(command)?.create_group(&body)?;
        let name = format!("{}/{name}", command.word(1)?);
        if let Some(former) = self.ids.insert(name.clone(), id) {
            self.ids.insert(format!("{name} before"), former);
        }
        Ok(())
    }

    fn nest(&self, command: &Command) -> Result<()> {
        Ok(self.tenant(command)?.add_member(self.id(command, 2)?, self.id(command, 3)?)?)
    }

    fn user(&mut self, command: &Command) -> Result<()> {
        let tenant = self.tenant(command)?;
        let name = command.word(2)?;
        let address = format!("{name}@{}", tenant.domain());
        let mut body = json!({
            "accountEnabled": true,
            "displayName": name,
            "mailNickname": name,
            "userPrincipalName": address,
            "mail": address,
            "passwordProfile": {"password": "not-used-anywhere-1"},
        });
        if let Value::Object(body) = &mut body {
            body.extend(values(command));
        }
        let id = tenant.create_user(&body)?;
        self.register(command, id)
    }

    fn guest(&mut self, command: &Command) -> Result<()> {
        let name = command.word(2)?;
        let body = json!({"invitedUserEmailAddress": format!("{name}@elsewhere.example"), "inviteRedirectUrl": "https://example.com"});
        let id = self.tenant(command)?.invite(&body)?;
        self.register(command, id)
    }

    fn register(&mut self, command: &Command, id: Uuid) -> Result<()> {
        let tenant = self.tenant(command)?;
        for group in command.groups() {
            let group = self.ids.get(&format!("{}/{group}", tenant.name())).with_context(|| format!("no group {group}"))?;
            tenant.add_member(*group, id)?;
        }
        let name = format!("{}/{}", tenant.name(), command.word(2)?);
        self.names.insert(format!("{}/{id}", tenant.id()), name.clone());
        if let Some(former) = self.ids.insert(name.clone(), id) {
            self.ids.insert(format!("{name} before"), former);
        }
        Ok(())
    }

    fn set(&self, command: &Command) -> Result<()> {
        Ok(self.tenant(command)?.patch_user(self.id(command, 2)?, &Value::Object(values(command)))?)
    }

    async fn rename(&mut self, command: &Command) -> Result<()> {
        let (tenant, name) = (command.word(1)?, command.word(2)?);
        let former = self.named_now(tenant);
        self.sandbox_mut()?.rename(&former, name).await.map_err(unexpected)?;
        self.renamed.insert(tenant.to_owned(), name.to_owned());
        Ok(())
    }

    /// The name that control has for a tenant of the script.
    fn named_now(&self, tenant: &str) -> String {
        self.renamed.get(tenant).map_or(tenant, String::as_str).to_owned()
    }

    /// The name that files have for a tenant of the script.
    fn file_name<'a>(&'a self, tenant: &'a str) -> &'a str {
        self.file_names.get(tenant).map_or(tenant, String::as_str)
    }

    async fn apply(&mut self, command: &Command) -> Result<()> {
        let (source, target) = command.pair()?;
        let yaml = self.yaml(command, source, target)?;
        self.sandbox_mut()?.apply("scenario.yaml", &yaml, command.has_word("refresh_names")).await.map_err(unexpected)
    }

    /// An apply that must be refused; returns the errors.
    async fn refused(&mut self, command: &Command) -> Result<String> {
        let (source, target) = command.pair()?;
        let yaml = self.yaml(command, source, target)?;
        match self.sandbox_mut()?.apply("scenario.yaml", &yaml, false).await {
            Ok(()) => bail!("it was applied"),
            Err(refusal) => Ok(format!("  {:#}\n", unexpected(refusal))),
        }
    }

    /// The resources that a line of a script describes: both tenants, the organization of all tenants, and the synchronization.
    fn yaml(&self, command: &Command, source: &str, target: &str) -> Result<String> {
        let client = |id: &str| format!("{{clientId: {id}, clientSecret: {{file: {{secret}}}}}}");
        let (reader, writer) = (client(settings::READER), client(settings::WRITER));
        let mut yaml = format!(
            "apiVersion: xtsync.dev/v1\nkind: Organization\nmetadata: {{name: contoso}}\nspec: {{tenants: [{}]}}\n",
            self.tenants.iter().map(|tenant| self.file_name(tenant)).collect::<Vec<_>>().join(", ")
        );
        for tenant in &self.tenants {
            let domain = self.named(tenant)?.domain().to_owned();
            let tenant = self.file_name(tenant);
            write!(
                yaml,
                "---\nkind: Tenant\nmetadata: {{name: {tenant}}}\nspec:\n  organization: contoso\n  graph: {{domain: {domain}, \
                 endpoint: '{{address}}', authority: '{{address}}', reader: {reader}, writer: {writer}}}\n"
            )?;
        }
        let (source, target) = (self.file_name(source), self.file_name(target));
        yaml.push_str(&synchronization::yaml(command, source, target)?);
        Ok(yaml)
    }

    /// The writes to a tenant since the last mark, one line per user.
    fn written(&self, command: &Command) -> Result<String> {
        let tenant = command.word(1)?;
        let entries = self.sandbox()?.sim().journal().since(self.marked);
        let written = entries.iter().filter(|entry| *entry.tenant == *tenant && entry.kind == ObjectKind::User);
        let mut lines: Vec<String> = written
            .map(|entry| {
                format!("  {}: {:?} {}\n", show::name(entry.anchor.as_deref(), &self.names), entry.verb, entry.properties.join(" "))
            })
            .collect();
        lines.sort();
        Ok(if lines.is_empty() { "  nothing\n".to_owned() } else { lines.concat() })
    }

    fn mails(&self, command: &Command) -> Result<String> {
        Ok(format!("  {} invitation mails\n", self.tenant(command)?.messages_sent()))
    }

    /// The groups of a synchronization: pending names with their reasons, what stays in force, and the notices.
    async fn get(&mut self, command: &Command) -> Result<String> {
        let id = format!("Synchronization/{}/to-{}", command.word(1)?, command.word(2)?);
        let listed = self.sandbox_mut()?.resources().await.map_err(unexpected)?;
        let one = listed.into_iter().find(|resource| resource.id == id).with_context(|| format!("there is no {id}"))?;
        let pending = one.pending.iter().map(|pending| format!("pending: {}: {}", pending.path, optional_text(&pending.condition)));
        let in_force = one.in_force.as_ref().map(text).map(|text| {
            let revision = format!("revision {} ", one.revision);
            text.replace(&revision, "")
        });
        let notices = one.notices.iter().map(|notice| format!("{}: {}", notice.path, optional_text(&notice.condition)));
        let lines = one.resolved.into_iter().chain(pending).chain(in_force).chain(notices);
        Ok(lines.map(|line| format!("  {}\n", self.without_ids(line))).collect())
    }

    /// A text in which ids, long or short, are replaced by the names of the script.
    fn without_ids(&self, mut text: String) -> String {
        for (name, id) in &self.ids {
            let id = id.to_string();
            text = text.replace(&id, name).replace(&format!("({}…)", &id[..4]), &format!("({name})"));
        }
        text
    }

    /// Waits until the answer to another line contains a text: `until TEXT show hub`.
    async fn until(&mut self, command: &Command) -> Result<String> {
        let (text, asked) = (command.word(1)?, command.rest(2));
        let deadline = Instant::now() + CONVERGE_TIMEOUT;
        loop {
            let answer = Box::pin(self.perform(&asked)).await?;
            if answer.contains(text) {
                return Ok(String::new());
            }
            ensure!(Instant::now() < deadline, "no '{text}' in time: {answer}");
            sleep(POLL_INTERVAL).await;
        }
    }

    async fn status(&mut self, command: &Command) -> Result<String> {
        let target = command.word(1)?;
        let status = self.sandbox_mut()?.status().await.map_err(unexpected)?;
        let into = status.synchronizations.iter().filter(|synchronization| synchronization.target == target);
        Ok(into.map(|one| format!("  {}: present {}, held {}, blocked by {:?}\n", one.name, one.present, one.held, one.blocked)).collect())
    }

    /// Waits until the gate of a target is `open`, or is blocked by the code that status shows.
    async fn await_gate(&mut self, command: &Command) -> Result<()> {
        let (target, word) = (command.word(1)?.to_owned(), command.word(2)?);
        let blocked = if word == "open" { "" } else { word };
        let deadline = Instant::now() + CONVERGE_TIMEOUT;
        while Instant::now() < deadline {
            let status = self.sandbox_mut()?.status().await.map_err(unexpected)?;
            let mut into = status.synchronizations.iter().filter(|synchronization| synchronization.target == target);
            if into.all(|synchronization| synchronization.blocked == blocked) {
                return Ok(());
            }
            sleep(POLL_INTERVAL).await;
        }
        bail!("the gate of {target} does not become '{word}' in time")
    }

    /// Retries what waits in a tenant, for all users or for one user of the script.
    async fn retry(&mut self, command: &Command) -> Result<()> {
        let tenant = command.word(1)?.to_owned();
        let user = match command.word(2).ok().and_then(|name| Some((name, name.split_once('/')?.0))) {
            Some((name, source)) => format!("{source}/{}", self.ids.get(name).with_context(|| format!("no user is named {name}"))?),
            None => String::new(),
        };
        self.sandbox_mut()?.retry(&tenant, &user).await.map_err(unexpected)
    }

    /// Confirms a rehire: `rehire hub emea/eva "emea/eva before"`. Returns the refusal, if it is refused.
    async fn rehire(&mut self, command: &Command) -> Result<String> {
        let named = |name: &str| {
            let id = self.ids.get(name).with_context(|| format!("no user is named {name}"))?;
            Ok::<_, anyhow::Error>(format!("{}/{id}", name.split('/').next().unwrap_or_default()))
        };
        let (target, user, former) = (command.word(1)?.to_owned(), named(command.word(2)?)?, named(command.word(3)?)?);
        match self.sandbox_mut()?.rehire(&target, &user, &former).await {
            Ok(()) => Ok(String::new()),
            Err(refusal) => {
                let names = self.ids.iter().map(|(name, id)| (format!("{}/{id}", name.split('/').next().unwrap_or_default()), name));
                let text = names.fold(format!("{:#}", unexpected(refusal)), |text, (account, name)| text.replace(&account, name));
                Ok(format!("  {text}\n"))
            }
        }
    }

    /// Waits until status shows these counts for a target: `count hub present=3 refused=0`.
    async fn count(&mut self, command: &Command) -> Result<()> {
        let target = command.word(1)?.to_owned();
        let deadline = Instant::now() + CONVERGE_TIMEOUT;
        while Instant::now() < deadline {
            let status = self.sandbox_mut()?.status().await.map_err(unexpected)?;
            let into: Vec<_> = status.synchronizations.iter().filter(|synchronization| synchronization.target == target).collect();
            let counted = |name: &str| {
                let counts = into.iter().map(|one| match name {
                    "present" => Ok(one.present),
                    "deleted" => Ok(one.deleted),
                    "held" => Ok(one.held),
                    "refused" => Ok(one.refused),
                    "address_differs" => Ok(one.address_differs),
                    other => bail!("status counts no '{other}'"),
                });
                counts.sum::<Result<u64>>()
            };
            let mut is_so = !into.is_empty();
            for (name, count) in command.values() {
                is_so &= counted(name)?.to_string() == count;
            }
            if is_so {
                return Ok(());
            }
            sleep(POLL_INTERVAL).await;
        }
        bail!("it did not come to '{}'", command.words())
    }

    async fn link(&mut self, command: &Command) -> Result<String> {
        let source = command.word(1)?;
        let user = self.id(command, 2)?;
        let (source, target) = (self.named_now(source), self.named_now(command.word(3)?));
        let link = self.sandbox_mut()?.link(&target, &source, &user.to_string()).await.map_err(unexpected)?;
        let condition = link.condition.map(|condition| format!("{:?} {}", condition.kind(), condition.code)).unwrap_or_default();
        Ok(format!("  {condition}\n"))
    }
}

fn unexpected(failure: Failure) -> anyhow::Error {
    failure.error
}

/// `[a,b]`.
fn listed(text: &str) -> Option<Value> {
    let items = text.strip_prefix('[')?.strip_suffix(']')?;
    Some(items.split(',').map(str::trim).filter(|item| !item.is_empty()).collect())
}

/// `=7`.
fn number(text: &str) -> Option<Value> {
    text.strip_prefix('=')?.parse::<i64>().ok().map(Value::from)
}

fn values(command: &Command) -> Map<String, Value> {
    command
        .values()
        .map(|(name, value)| {
            let value = match value {
                "true" => Value::Bool(true),
                "false" => Value::Bool(false),
                "null" => Value::Null,
                text => listed(text).or_else(|| number(text)).unwrap_or_else(|| text.into()),
            };
            (name.to_owned(), value)
        })
        .collect()
}
