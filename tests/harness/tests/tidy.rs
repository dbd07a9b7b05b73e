//! Counts what keeps the house easy to read, over all Rust that is shipped, and fails where it is not.
//!
//! Tests and generated code are left out. The counting is by lines and indentation: crude, but rustfmt makes it true.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

const FILE_LINES_MAX: usize = 500;
const FILE_LINES_MEDIAN: usize = 150;
const FILE_LINES_P90: usize = 350;
const FUNCTION_LINES_MAX: usize = 70;

/// One file, without the tests at its end.
struct Source {
    path: String,
    lines: Vec<String>,
}

#[test]
fn files_and_functions_are_short_and_every_file_says_what_it_is() {
    let sources = sources();
    let mut faults = String::new();
    for source in &sources {
        for fault in faults_of(source) {
            writeln!(faults, "{}: {fault}", source.path).unwrap();
        }
    }
    let mut sizes: Vec<usize> = sources.iter().map(|source| source.lines.len()).collect();
    sizes.sort_unstable();
    let (median, p90) = (sizes[sizes.len() / 2], sizes[sizes.len() * 9 / 10]);
    for (name, size, max) in [("median", median, FILE_LINES_MEDIAN), ("p90", p90, FILE_LINES_P90)] {
        if size > max {
            writeln!(faults, "the {name} of the files has {size} lines, at most {max} are allowed").unwrap();
        }
    }
    println!("{} files, median {median} lines, p90 {p90}, longest {}", sizes.len(), sizes[sizes.len() - 1]);
    assert!(faults.is_empty(), "\n{faults}");
}

#[test]
fn each_fault_is_found() {
    let body = |lines: usize| format!("//! Header.\nfn f() {{\n{}}}", "    x();\n".repeat(lines));
    for (text, want) in [
        (body(FUNCTION_LINES_MAX - 2), vec![]),
        (body(FUNCTION_LINES_MAX - 1), vec!["line 2: a function of 71 lines, at most 70 are allowed"]),
        ("fn f() {}".to_owned(), vec!["no //! header"]),
        ("//! Header.\nlet x = y.unwrap();".to_owned(), vec!["line 2: unwrap; say the invariant by expect"]),
        ("//! Header.\n#[cfg(test)]\nmod tests {\n    y.unwrap();\n}".to_owned(), vec![]),
        (format!("//! Header.{}", "\n".repeat(FILE_LINES_MAX)), vec!["501 lines, at most 500 are allowed"]),
    ] {
        assert_eq!(faults_of(&Source::new(String::new(), &text)), want, "{text}");
    }
}

impl Source {
    fn new(path: String, text: &str) -> Self {
        let lines: Vec<String> = text.split('\n').map(str::to_owned).collect();
        let is_tests = |pair: &[String]| pair[0] == "#[cfg(test)]" && pair[1].starts_with("mod test") && pair[1].ends_with('{');
        let end = lines.windows(2).position(is_tests).unwrap_or(lines.len());
        Self { path, lines: lines[..end].to_vec() }
    }
}

fn faults_of(source: &Source) -> Vec<String> {
    let mut faults = Vec::new();
    let lines = &source.lines;
    if lines.len() > FILE_LINES_MAX {
        faults.push(format!("{} lines, at most {FILE_LINES_MAX} are allowed", lines.len()));
    }
    if !lines[0].starts_with("//!") {
        faults.push("no //! header".to_owned());
    }
    for (index, line) in lines.iter().enumerate() {
        if line.contains(".unwrap()") && !line.trim_start().starts_with("//") {
            faults.push(format!("line {}: unwrap; say the invariant by expect", index + 1));
        }
        let length = if opens_function(line) { function_lines(&lines[index..]) } else { 0 };
        if length > FUNCTION_LINES_MAX {
            faults.push(format!("line {}: a function of {length} lines, at most {FUNCTION_LINES_MAX} are allowed", index + 1));
        }
    }
    faults
}

fn opens_function(line: &str) -> bool {
    let mut words = line
        .split_whitespace()
        .skip_while(|word| word.starts_with("pub") || word.ends_with(')') || ["async", "const", "default", "unsafe"].contains(word));
    words.next() == Some("fn") && !line.ends_with(';')
}

/// Up to the closing brace at the indentation at which the function begins; 1 if it closes on its own line.
fn function_lines(lines: &[String]) -> usize {
    let indent = lines[0].len() - lines[0].trim_start().len();
    let close = format!("{}}}", &lines[0][..indent]);
    let closes = |line: &String| *line == close || (line.starts_with(&close) && line.ends_with(';'));
    if lines[0].ends_with('}') { 1 } else { lines.iter().position(closes).map_or(0, |last| last + 1) }
}

fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut paths = Vec::new();
    for part in ["crates", "services"] {
        collect(&root.join(part), &mut paths);
    }
    paths.sort();
    let read = |path: PathBuf| {
        let text = std::fs::read_to_string(&path).expect("a listed file can be read");
        Source::new(path.strip_prefix(&root).unwrap_or(&path).display().to_string(), &text)
    };
    paths.into_iter().map(read).collect()
}

fn collect(directory: &Path, paths: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(directory).expect("a source folder can be read") {
        let path = entry.expect("a source folder can be read").path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if path.is_dir() && !["gen", "tests", "benches", "target"].contains(&name.as_str()) {
            collect(&path, paths);
        } else if name.ends_with(".rs") && !name.ends_with("tests.rs") {
            paths.push(path);
        }
    }
}
