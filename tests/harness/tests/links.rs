//! Links between documents lead somewhere: to a file, and to a heading where one is named.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

#[test]
fn every_relative_link_of_every_document_leads_to_a_file_and_a_heading() {
    let mut broken = String::new();
    for document in documents() {
        let path = root().join(&document);
        let text = std::fs::read_to_string(&path).unwrap();
        for link in links(&text) {
            if !leads_somewhere(&path, &text, link) {
                writeln!(broken, "{document}: {link}").unwrap();
            }
        }
    }
    assert!(broken.is_empty(), "broken links:\n{broken}");
}

#[test]
fn links_and_headings_are_found() {
    assert_eq!(links("see [a](b.md#c), `[x](y)` and [d](https://e)\n```\n[f](g)\n```\n"), ["b.md#c"]);
    assert_eq!(anchor("## Where to add: *a role*, `x`"), "where-to-add-a-role-x");
}

/// The relative links of a text, those in code left out.
fn links(text: &str) -> Vec<&str> {
    let mut links = Vec::new();
    let mut is_code = false;
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            is_code = !is_code;
        }
        // Every second part stands between backquotes.
        for part in line.split('`').step_by(2).filter(|_| !is_code) {
            let targets = part.split("](").skip(1).filter_map(|rest| rest.split_once(')')).map(|(target, _)| target);
            links.extend(targets.filter(|target| !target.contains("://") && !target.starts_with("mailto:")));
        }
    }
    links
}

fn leads_somewhere(document: &Path, text: &str, link: &str) -> bool {
    let (file, heading) = link.split_once('#').unwrap_or((link, ""));
    let target = if file.is_empty() { document.to_owned() } else { document.parent().expect("a document is in a folder").join(file) };
    if heading.is_empty() {
        return target.exists();
    }
    let linked = if file.is_empty() { Ok(text.to_owned()) } else { std::fs::read_to_string(&target) };
    linked.is_ok_and(|linked| headings(&linked).contains(heading))
}

fn headings(text: &str) -> BTreeSet<String> {
    text.lines().filter(|line| line.starts_with('#')).map(anchor).collect()
}

/// The anchor that a heading gets: lower case, hyphens for blanks, other marks left out.
fn anchor(heading: &str) -> String {
    let text = heading.trim_start_matches('#').trim().to_lowercase();
    let kept = text.chars().filter(|c| c.is_alphanumeric() || " -_".contains(*c));
    kept.map(|c| if c == ' ' { '-' } else { c }).collect()
}

fn documents() -> Vec<String> {
    let listed = Command::new("git").args(["ls-files", "*.md"]).current_dir(root()).output().expect("git lists the files");
    assert!(listed.status.success(), "{}", String::from_utf8_lossy(&listed.stderr));
    String::from_utf8(listed.stdout).expect("names of files are UTF-8").lines().map(str::to_owned).collect()
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}
