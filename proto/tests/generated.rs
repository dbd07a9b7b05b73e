//! The checked-in code is what the protobuf files say. `UPDATE=1 cargo test -p xtsync-proto --test generated` writes it anew.
#![cfg(test)]

use std::fs;
use std::path::{Path, PathBuf};

use prost::Message as _;

const GENERATED: [&str; 2] = ["xtsync.v1.rs", "xtsync.v1.bin"];

#[test]
fn the_generated_code_is_what_the_protobuf_files_say() {
    let fresh = tempfile::tempdir().unwrap();
    generate(fresh.path());
    let checked_in = root().join("src/gen");
    for file in GENERATED {
        let fresh = fs::read(fresh.path().join(file)).unwrap();
        if std::env::var_os("UPDATE").is_some() {
            fs::write(checked_in.join(file), &fresh).unwrap();
        }
        assert!(fs::read(checked_in.join(file)).unwrap_or_default() == fresh, "{file} is stale: run with UPDATE=1 and commit it");
    }
}

fn generate(out: &Path) {
    let package = root().join("xtsync/v1");
    let mut files: Vec<PathBuf> = fs::read_dir(package).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let mut compiler = protox::Compiler::new([root()]).unwrap();
    compiler.include_imports(true).include_source_info(true).open_files(files).unwrap();
    let descriptors = compiler.file_descriptor_set();
    tonic_prost_build::configure().out_dir(out).btree_map(".").build_transport(true).compile_fds(descriptors.clone()).unwrap();
    let mut bare = descriptors;
    bare.file.iter_mut().for_each(|file| file.source_code_info = None);
    fs::write(out.join("xtsync.v1.bin"), bare.encode_to_vec()).unwrap();
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}
