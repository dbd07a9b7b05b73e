//! Reads one YAML document: first the resource's header, then the spec of its kind.

use serde::Deserialize;
use serde::de::{DeserializeOwned, IgnoredAny};
use xtsync_domain::TenantName;
use xtsync_domain::name::is_name;
use xtsync_domain::resource::{Id, Kind, Spec};

use super::lines::Lines;
use super::{API_VERSION, File, KINDS, Written};
use crate::problem::{Place, Problem};

/// The place of a document: its file and its lines.
#[derive(Debug)]
pub(super) struct Source {
    file: String,
    document: usize,
    /// The number of lines of the file before the document.
    skipped: usize,
    lines: Lines,
}

impl Source {
    pub(super) fn place(&self, path: &str) -> Place {
        let line = match self.lines.line(path) {
            0 => 0,
            line => line + self.skipped,
        };
        Place { file: self.file.clone(), document: self.document, line: line.max(self.skipped + 1), path: path.to_owned() }
    }

    pub(super) fn fields(&self) -> usize {
        self.lines.len()
    }

    fn problem(&self, path: &str, message: impl Into<String>) -> Problem {
        Problem { place: Some(self.place(path)), message: message.into() }
    }

    fn parser_problem(&self, error: &serde_saphyr::Error) -> Problem {
        let error = error.without_snippet();
        let mut place = self.place("");
        if let Some(at) = error.location() {
            place.line = usize::try_from(at.line()).unwrap_or(0) + self.skipped;
            place.path =
                self.lines.path(at, matches!(error, serde_saphyr::Error::SerdeMissingField { .. } | serde_saphyr::Error::Message { .. }));
        }
        Problem { place: Some(place), message: message(error) }
    }
}

/// The header: the fields that all kinds share.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Head {
    api_version: Option<String>,
    kind: Option<String>,
    metadata: Option<Metadata>,
    spec: Option<IgnoredAny>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Metadata {
    name: Option<String>,
    tenant: Option<String>,
}

/// The spec. The header is read separately.
#[derive(Deserialize)]
struct Body<S> {
    spec: S,
}

/// Reads the documents of a file.
pub(super) fn read(file: &File) -> impl Iterator<Item = Result<Written, Problem>> {
    let mut api_version = None;
    let documents = split(&file.yaml).into_iter().filter(|(_, text)| !is_blank(text));
    documents.enumerate().map(move |(index, (skipped, text))| read_one(file, index + 1, skipped, &text, &mut api_version))
}

fn read_one(file: &File, document: usize, skipped: usize, text: &str, api_version: &mut Option<String>) -> Result<Written, Problem> {
    let mut source = Source { file: file.name.clone(), document, skipped, lines: Lines::default() };
    source.lines = Lines::of(text).map_err(|error| source.parser_problem(&error))?;
    let head: Head = super::parse(text).map_err(|error| source.parser_problem(&error))?;
    if head.api_version.is_some() {
        api_version.clone_from(&head.api_version);
    }
    check_version(&source, api_version.as_deref())?;
    let kind = kind(&source, head.kind.as_deref())?;
    let metadata = head.metadata.ok_or_else(|| source.problem("", "missing field `metadata`"))?;
    let id = id(&source, kind, metadata)?;
    if head.spec.is_none() {
        return Err(source.problem("", "missing field `spec`"));
    }
    let spec = spec(kind, text).map_err(|error| source.parser_problem(&error))?;
    Ok(Written { id, spec, source })
}

fn check_version(source: &Source, version: Option<&str>) -> Result<(), Problem> {
    match version {
        Some(API_VERSION) => Ok(()),
        Some(other) => Err(source.problem("apiVersion", format!("'{other}' is not supported: expected {API_VERSION}"))),
        None => Err(source.problem("", format!("missing field `apiVersion`: {API_VERSION}"))),
    }
}

fn kind(source: &Source, written: Option<&str>) -> Result<Kind, Problem> {
    let names = || KINDS.map(Kind::as_str).join(", ");
    let Some(written) = written else {
        return Err(source.problem("", format!("missing field `kind`: one of {}", names())));
    };
    let known = KINDS.into_iter().find(|kind| kind.as_str() == written);
    known.ok_or_else(|| source.problem("kind", format!("unknown kind '{written}': one of {}", names())))
}

fn id(source: &Source, kind: Kind, metadata: Metadata) -> Result<Id, Problem> {
    let name = metadata.name.ok_or_else(|| source.problem("metadata", "missing field `name`"))?;
    if !is_name(&name) {
        return Err(source.problem("metadata.name", format!("'{name}' is not a name: 1 to 40 characters of a-z, 0-9 and '-'")));
    }
    let tenant = metadata.tenant.map(TenantName::new).transpose();
    let tenant = tenant.map_err(|error| source.problem("metadata.tenant", error.to_string()))?;
    let tenant = owner(source, kind, &name, tenant)?;
    Ok(Id { kind, tenant, name })
}

/// Returns the tenant whose administrator owns the resource. An Organization has no owner; a Tenant owns itself.
fn owner(source: &Source, kind: Kind, name: &str, tenant: Option<TenantName>) -> Result<Option<TenantName>, Problem> {
    match (kind, tenant) {
        (Kind::Organization, None) => Ok(None),
        (Kind::Organization, Some(_)) => Err(source.problem("metadata.tenant", "an Organization belongs to no tenant")),
        (Kind::Tenant, None) => Ok(TenantName::new(name).ok()),
        (Kind::Tenant, Some(tenant)) if tenant.as_str() == name => Ok(Some(tenant)),
        (Kind::Tenant, Some(_)) => Err(source.problem("metadata.tenant", "a Tenant belongs to itself: leave it out")),
        (
            Kind::CrossTenantAccessPolicy
            | Kind::Synchronization
            | Kind::Projection
            | Kind::NameResolution
            | Kind::Directory
            | Kind::DirectoryExtensions
            | Kind::Rename,
            owner,
        ) => owner.map(Some).ok_or_else(|| source.problem("metadata", format!("missing field `tenant`: whose {kind} is it"))),
    }
}

fn spec(kind: Kind, text: &str) -> Result<Spec, serde_saphyr::Error> {
    fn body<S: DeserializeOwned>(text: &str) -> Result<S, serde_saphyr::Error> {
        super::parse::<Body<S>>(text).map(|body| body.spec)
    }
    Ok(match kind {
        Kind::Organization => Spec::Organization(body(text)?),
        Kind::Tenant => Spec::Tenant(body(text)?),
        Kind::CrossTenantAccessPolicy => Spec::CrossTenantAccessPolicy(body(text)?),
        Kind::Synchronization => Spec::Synchronization(body(text)?),
        Kind::Projection => Spec::Projection(body(text)?),
        Kind::NameResolution => Spec::NameResolution(body(text)?),
        Kind::Directory => Spec::Directory(body(text)?),
        Kind::DirectoryExtensions => Spec::DirectoryExtensions(body(text)?),
        Kind::Rename => Spec::Rename(body(text)?),
    })
}

/// Returns an upper bound of the number of documents in a text; it counts empty documents, too.
pub(super) fn count(yaml: &str) -> usize {
    1 + yaml.lines().filter(|line| separates(line)).count()
}

/// Whether a line separates two documents.
fn separates(line: &str) -> bool {
    line.strip_prefix("---").is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '\t']))
}

/// Splits a text into documents, each with the number of lines before it. YAML allows a line that begins with `---` only between documents,
/// so that no parser is needed.
fn split(yaml: &str) -> Vec<(usize, String)> {
    let mut documents = vec![(0, String::new())];
    for (index, line) in yaml.lines().enumerate() {
        if separates(line) {
            documents.push((index, String::new()));
        }
        let (_, text) = documents.last_mut().expect("the list starts with one document");
        text.push_str(line);
        text.push('\n');
    }
    documents
}

/// Whether a document has no content but comments.
fn is_blank(text: &str) -> bool {
    text.lines().map(str::trim).all(|line| line.is_empty() || line.starts_with('#') || line == "---" || line == "...")
}

/// The parser's messages for wrong types, and the messages that replace them.
const TYPES: [(&str, &str); 5] = [
    ("expected sequence start", "expected a list, such as [a, b]"),
    ("expected mapping start", "expected fields, such as {name: value}"),
    ("invalid boolean", "expected true or false"),
    ("invalid u64", "expected a whole number"),
    ("reference to unknown value", "unknown alias"),
];

/// Converts a parser error to a message: one line, lower case, without the parser's position.
fn message(error: &serde_saphyr::Error) -> String {
    let text = error.render_with_formatter(&serde_saphyr::UserMessageFormatter);
    let place = error.location().map(|at| format!(" at line {}, column {}", at.line(), at.column())).unwrap_or_default();
    let text = text.lines().next().unwrap_or_default();
    // The parser quotes an invalid URL, which may contain credentials. The quote is cut off.
    let text = if text.contains('@') { text.split_once('"').map_or(text, |(said, _)| said.trim_end()) } else { text };
    let text = text.strip_suffix(&place).unwrap_or(text).trim_end_matches('.');
    if let Some((_, plain)) = TYPES.iter().find(|(parser, _)| *parser == text) {
        return (*plain).to_owned();
    }
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_lowercase().chain(letters).collect())
}
