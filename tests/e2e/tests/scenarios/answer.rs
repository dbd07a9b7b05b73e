//! The command `answer`: scripts the answers of a simulated tenant.

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::Value;
use xtsync_tenant_sim::{Edit, Rule};

use crate::script::Command;

/// The keywords that begin another part of the line.
const PARTS: [&str; 8] = ["for", "after", "times", "header", "with", "without", "repeat", "move"];

/// A parsed line.
pub(crate) enum Answer {
    /// All rules end.
    EndAll,
    /// The rules about these requests end.
    End(String),
    /// A rule about these requests begins.
    Begin(String, Box<Rule>),
}

/// Parses a line. `find` returns the texts that identify a user of the script: ids and addresses, the home id first.
pub(crate) fn read(command: &Command, find: impl Fn(&str) -> Result<Vec<String>>) -> Result<Answer> {
    if command.word(1)? == "end" {
        return Ok(Answer::EndAll);
    }
    let (tenant, method, path) = (command.word(1)?, command.word(2)?, command.word(3)?);
    let key = format!("{tenant} {method} {path}");
    if command.word(4)? == "end" {
        return Ok(Answer::End(key));
    }
    let rule = Rule::on(if method == "any" { "" } else { method }, path).tenant(tenant);
    let mut words = Words { rest: command.after(4), find: &find };
    let rule = words.refusal(rule)?;
    Ok(Answer::Begin(key, Box::new(words.parts(rule)?)))
}

struct Words<'a, F> {
    rest: &'a [String],
    find: &'a F,
}

impl<F: Fn(&str) -> Result<Vec<String>>> Words<'_, F> {
    fn next(&mut self) -> Option<&str> {
        let (first, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(first)
    }

    fn more(&mut self, of: &str) -> Result<String> {
        self.next().map(str::to_owned).with_context(|| format!("'{of}' wants more words"))
    }

    /// Whether another part begins, or the line ends.
    fn ends(&self) -> bool {
        self.rest.first().is_none_or(|word| PARTS.contains(&word.as_str()))
    }

    /// `403 Authorization_RequestDenied "Insufficient privileges."`, or `200` and a body, or nothing of it.
    fn refusal(&mut self, rule: Rule) -> Result<Rule> {
        let Some(status) = self.rest.first().and_then(|word| word.parse().ok()) else {
            return Ok(rule);
        };
        self.next();
        let what = if self.ends() { String::new() } else { self.more("answer")? };
        if status < 400 {
            return Ok(rule.answer(status, self.value(&what)?));
        }
        let message = if self.ends() { String::new() } else { self.more("answer")? };
        Ok(rule.refuse(status, &what, &message))
    }

    fn parts(&mut self, mut rule: Rule) -> Result<Rule> {
        let mut edits = Vec::new();
        while let Some(part) = self.next().map(str::to_owned) {
            match part.as_str() {
                "for" => {
                    let subject = self.more("for")?;
                    rule = self.texts(&subject)?.into_iter().fold(rule, Rule::about);
                }
                "after" => rule = rule.after(self.more("after")?.parse()?),
                "times" => rule = rule.times(self.more("times")?.parse()?),
                "header" => {
                    let header = self.more("header")?;
                    let (name, value) = header.split_once('=').context("'header' wants NAME=VALUE")?;
                    rule = rule.header(name, value);
                }
                "with" => {
                    let change = self.more("with")?;
                    let (at, value) = split(&change).context("'with' wants POINTER=VALUE")?;
                    edits.push(Edit::set(&self.filled(at)?, self.value(value)?));
                }
                "without" => edits.push(Edit::remove(&self.more("without")?)),
                "repeat" => edits.push(Edit::repeat(&self.more("repeat")?)),
                "move" => edits.push(Edit::moved(&self.more("move")?, &self.more("move")?)),
                other => bail!("'{other}' is no part of an answer"),
            }
        }
        Ok(if edits.is_empty() { rule } else { rule.rewrite(edits) })
    }

    /// The texts that identify a user of the script in requests, or the text itself.
    fn texts(&self, subject: &str) -> Result<Vec<String>> {
        if subject.contains('/') && !subject.starts_with('/') { (self.find)(subject) } else { Ok(vec![subject.to_owned()]) }
    }

    /// JSON with `'` for `"`, or a text. `{tenant/name}` becomes the id.
    fn value(&self, text: &str) -> Result<Value> {
        let text = self.filled(text)?;
        Ok(serde_json::from_str(&text.replace('\'', "\"")).unwrap_or(Value::String(text)))
    }

    fn filled(&self, text: &str) -> Result<String> {
        let mut filled = String::new();
        let mut rest = text;
        while let Some((before, name, after)) = reference(rest) {
            let found = (self.find)(name)?;
            filled.push_str(before);
            filled.push_str(found.first().context("a user without an id")?);
            rest = after;
        }
        Ok(filled + rest)
    }
}

/// The first `{tenant/name}` of a text, with the text before and after it.
fn reference(text: &str) -> Option<(&str, &str, &str)> {
    text.match_indices('{').find_map(|(start, _)| {
        let (name, after) = text[start + 1..].split_once('}')?;
        let is_name = !name.is_empty() && name.chars().all(|letter| letter.is_alphanumeric() || "/-_.".contains(letter));
        is_name.then_some((&text[..start], name, after))
    })
}

/// A pointer and a value, separated by the first `=` outside brackets.
fn split(change: &str) -> Option<(&str, &str)> {
    let mut depth = 0;
    let place = change.find(|letter| {
        depth += i32::from(letter == '[') - i32::from(letter == ']');
        letter == '=' && depth == 0
    })?;
    Some((&change[..place], &change[place + 1..]))
}

#[test]
fn a_line_becomes_a_rule() {
    let find = |name: &str| {
        ensure!(name == "emea/ana", "no user is named {name}");
        Ok(vec!["id-1".to_owned(), "ana@emea.example".to_owned()])
    };
    let rule = |line: &str| {
        let commands = crate::script::parse(line).unwrap();
        match read(&commands[0].1, find).unwrap() {
            Answer::Begin(_, rule) => *rule,
            Answer::End(_) | Answer::EndAll => panic!("{line}"),
        }
    };
    assert_eq!(
        rule("answer hub POST /invitations 403 Denied \"Not you.\" for emea/ana times 3 header Retry-After=9"),
        Rule::on("POST", "/invitations")
            .tenant("hub")
            .refuse(403, "Denied", "Not you.")
            .about("id-1")
            .about("ana@emea.example")
            .times(3)
            .header("Retry-After", 9),
    );
    assert_eq!(
        rule("answer emea GET /groups/delta with /value/[id={emea/ana}]/n=[{'id':'{emea/ana}'}] without /x repeat /value move /a /b"),
        Rule::on("GET", "/groups/delta").tenant("emea").rewrite([
            Edit::set("/value/[id=id-1]/n", serde_json::json!([{"id": "id-1"}])),
            Edit::remove("/x"),
            Edit::repeat("/value"),
            Edit::moved("/a", "/b"),
        ]),
    );
    assert_eq!(
        rule("answer hub any /x with /@odata.nextLink="),
        Rule::on("", "/x").tenant("hub").rewrite([Edit::set("/@odata.nextLink", "")])
    );
    for wrong in ["answer hub GET /x for emea/bo", "answer hub GET /x 403 Denied \"No.\" shoes", "answer hub GET /x with /value"] {
        assert!(read(&crate::script::parse(wrong).unwrap()[0].1, find).is_err(), "{wrong}");
    }
}
