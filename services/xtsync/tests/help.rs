//! The help of every command, as it is printed. `UPDATE_EXPECT=1 cargo test -p xtsync --test help` records it anew.

#![allow(clippy::unwrap_used, reason = "tests: a failure may panic")]

use std::fmt::Write as _;

use clap::{Command, CommandFactory as _};
use expect_test::expect_file;
use xtsync::cli::Cli;

#[test]
fn the_help_of_every_command_is_as_recorded() {
    let mut text = String::new();
    let mut command = Cli::command().term_width(100);
    command.build();
    print("xtsync", &mut command, &mut text);
    expect_file!["snapshots/help.txt"].assert_eq(&text);
}

#[test]
fn every_command_shows_an_example() {
    fn check(path: &str, command: &Command, missing: &mut Vec<String>) {
        let children: Vec<&Command> = command.get_subcommands().filter(|child| child.get_name() != "help").collect();
        let has_example = command.get_after_help().is_some_and(|text| text.to_string().contains("Example"));
        if children.is_empty() && !has_example {
            missing.push(path.to_owned());
        }
        children.into_iter().for_each(|child| check(&format!("{path} {}", child.get_name()), child, missing));
    }
    let mut missing = Vec::new();
    check("xtsync", &Cli::command(), &mut missing);
    assert!(missing.is_empty(), "no example in the help of: {missing:?}");
}

fn print(path: &str, command: &mut Command, text: &mut String) {
    writeln!(text, "$ {path} --help\n{}", command.render_long_help()).unwrap();
    for child in command.get_subcommands_mut().filter(|child| child.get_name() != "help") {
        let path = format!("{path} {}", child.get_name());
        print(&path, child, text);
    }
}
