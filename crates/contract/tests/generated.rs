//! Checks that the checked-in code matches the protobuf files. `UPDATE=1 cargo test -p xtsync-contract --test generated` regenerates it.
#![cfg(test)]

use std::fs;
use std::path::{Path, PathBuf};

use prost::Message as _;

const GENERATED: [&str; 4] = ["xtsync.control.v1.rs", "xtsync.events.v1.rs", "xtsync.internal.v1.rs", "descriptors.bin"];

const PACKAGES: [&str; 3] = ["control", "events", "internal"];

#[test]
fn the_generated_code_matches_the_protobuf_files() {
    let fresh = tempfile::tempdir().unwrap();
    generate(fresh.path());
    let checked_in = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/gen");
    for file in GENERATED {
        let fresh = fs::read(fresh.path().join(file)).unwrap();
        if std::env::var_os("UPDATE").is_some() {
            fs::write(checked_in.join(file), &fresh).unwrap();
        }
        assert!(fs::read(checked_in.join(file)).unwrap_or_default() == fresh, "{file} is stale: run with UPDATE=1 and commit it");
    }
}

fn generate(out: &Path) {
    let folders = PACKAGES.map(|package| root().join("xtsync").join(package).join("v1"));
    let mut files: Vec<PathBuf> =
        folders.iter().flat_map(|folder| fs::read_dir(folder).unwrap()).map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let mut compiler = protox::Compiler::new([root()]).unwrap();
    compiler.include_imports(true).include_source_info(true).open_files(files).unwrap();
    let descriptors = compiler.file_descriptor_set();
    tonic_prost_build::configure().out_dir(out).btree_map(".").build_transport(true).compile_fds(descriptors.clone()).unwrap();
    let mut bare = descriptors;
    bare.file.iter_mut().for_each(|file| file.source_code_info = None);
    fs::write(out.join("descriptors.bin"), bare.encode_to_vec()).unwrap();
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../proto")
}
