//! The synchronization that an `apply` line describes, as a document.

use std::fmt::Write as _;

use anyhow::{Result, bail};

use crate::script::Command;

/// The words of an `apply` line that are no mappings.
const SETTINGS: [&str; 7] = ["scope", "where", "grace", "create", "delete", "rehire", "nulls"];

/// The document.
pub(crate) fn yaml(command: &Command, source: &str, target: &str) -> Result<String> {
    let grace = command.value("grace").unwrap_or("0s");
    let mut yaml = format!(
        "---\nkind: Synchronization\nmetadata: {{tenant: {source}, name: to-{target}}}\nspec:\n  to: {target}\n  mode: enforce\n  \
         scopeGracePeriod: {grace}\n  scope: {{{}}}\n",
        scope(command)?
    );
    let limits: Vec<_> = ["create", "delete"].iter().filter_map(|verb| Some(format!("{verb}: {}", command.value(verb)?))).collect();
    if !limits.is_empty() {
        writeln!(yaml, "  limits: {{{}}}", limits.join(", "))?;
    }
    for name in ["rehire", "nulls"] {
        if let Some(value) = command.value(name) {
            writeln!(yaml, "  {name}: {value}")?;
        }
    }
    let mappings: Vec<_> = command.values().filter(|(name, _)| !SETTINGS.contains(name)).collect();
    if !mappings.is_empty() {
        yaml.push_str("  mappings:\n");
        for (name, constant) in mappings {
            if let Some(source) = constant.strip_prefix('<') {
                writeln!(yaml, "    {name}: {{source: {source}}}")?;
                continue;
            }
            match (name.strip_suffix(':'), constant.strip_prefix('=')) {
                (Some(name), _) => writeln!(yaml, "    {name}: {{constant: {constant}}}")?,
                (None, Some(expression)) => writeln!(yaml, "    {name}: {{expression: {:?}}}", quoted(expression))?,
                (None, None) => writeln!(yaml, "    {name}: {{constant: {constant:?}}}")?,
            }
        }
    }
    Ok(yaml)
}

fn scope(command: &Command) -> Result<String> {
    let users = match command.value("scope") {
        _ if command.has_word("everyone") => "everyone: true".to_owned(),
        Some(groups) => format!("groups: [{groups}], nested: {}", command.has_word("nested")),
        None => bail!("apply wants scope=GROUP,… or everyone"),
    };
    let filter = command.value("where").map(|filter| format!(", where: {:?}", quoted(filter)));
    Ok(format!("{users}{}", filter.unwrap_or_default()))
}

/// Quotes end a word of a script, so that `'` stands for them in expressions and filters.
fn quoted(text: &str) -> String {
    text.replace('\'', "\"")
}
