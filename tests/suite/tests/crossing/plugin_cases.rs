//! Every case of the bundled plugins, and of the examples in both languages, through the built component and the real runtime, by the test kit.
//! The plugins in Rust run the same cases natively; here the contract, the export macro and the conversions of the host are in between.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use ostler_testkit::{Report, Wishes};

use crate::world::{World, example, guest};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn bundled(name: &str) -> Vec<u8> {
    let built = root().join("target/bundled-plugins");
    let directory = std::env::var_os("OSTLER_BUNDLED_PLUGINS").map_or(built, PathBuf::from);
    let file = directory.join(format!("{name}.wasm"));
    fs::read(&file).unwrap_or_else(|_| panic!("{} is missing: run 'cargo xtask build'", file.display()))
}

async fn run(component: &[u8], cases: &Path, wishes: &Wishes) -> Report {
    ostler_testkit::run(component, cases, wishes).await.unwrap()
}

fn assert_good(report: &Report) {
    let failed: Vec<String> = report.failed().map(|case| format!("{case:?}")).collect();
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn every_case_of_the_csv_importer_comes_out_of_the_component_as_expected() {
    let cases = root().join("plugins/importer-csv/cases");
    let report = run(&bundled("importer-csv"), &cases, &Wishes::default()).await;
    assert_good(&report);
    assert!(report.cases.len() >= 12);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_broken_file_breaks_the_csv_importer() {
    let cases = root().join("plugins/importer-csv/cases");
    let wishes = Wishes { hostile: true, ..Wishes::default() };
    let report = run(&bundled("importer-csv"), &cases, &wishes).await;
    assert_good(&report);
    assert!(report.cases.iter().any(|case| case.variant.starts_with("its file")));
}

#[tokio::test(flavor = "multi_thread")]
async fn every_case_of_the_ssh_launcher_comes_out_of_the_component_with_and_without_its_capabilities() {
    let cases = root().join("plugins/launcher-ssh/cases");
    let report = run(&bundled("launcher-ssh"), &cases, &Wishes::default()).await;
    assert_good(&report);
    assert!(report.cases.iter().any(|case| case.variant.starts_with("without 'secrets.use'")), "{report:?}");
    assert!(report.coverage["secrets.use"].used > 0 && report.coverage["secrets.use"].refused > 0);
}

/// Writes a folder of one case.
fn case(folder: &Path, files: &[(&str, &str)]) -> PathBuf {
    let cases = folder.join("cases");
    fs::create_dir_all(cases.join("one")).unwrap();
    for (name, text) in files {
        fs::write(cases.join("one").join(name), text).unwrap();
    }
    cases
}

const REQUEST: &str = r#"{"connection":"00000000-0000-4000-8000-000000000001","name":"a","kind":"ssh","host":"a.example","port":22,
    "settings":SETTINGS,"credential":{"user":"anna","domain":null,"slots":[]},"run":"interactive"}"#;

#[tokio::test(flavor = "multi_thread")]
async fn the_kit_scripts_what_a_plugin_is_answered_and_finds_what_it_does_wrong() {
    let probe = fs::read(guest("probe")).unwrap();
    let desk = tempfile::tempdir().unwrap();
    let request = |settings: &str| REQUEST.replace("SETTINGS", settings);
    let said = |text: &str| format!(r#"{{"error":{{"kind":"unsupported","reason":{text:?}}}}}"#);

    // Settings, storage and the person answer as the case says.
    for (does, file, script, expected) in [
        ("settings.get", "settings.json", r#"{"greeting":"hi"}"#, "Ok(Some(SettingValue::Text(\"hi\")))"),
        ("storage.get", "storage.json", r#"{"greeting":"A"}"#, "Ok(Some([65]))"),
    ] {
        let folder = tempfile::tempdir_in(desk.path()).unwrap();
        let own = request(&format!(r#"{{"do":{does:?},"key":"greeting"}}"#));
        let cases = case(
            folder.path(),
            &[("request.json", &own), (file, script), ("expected.json", &said(expected))],
        );
        assert_good(&run(&probe, &cases, &Wishes::default()).await);
        fs::write(cases.join("one/expected.json"), said("something else")).unwrap();
        let report = run(&probe, &cases, &Wishes::default()).await;
        assert_eq!(report.failed().count(), 1, "a wrong result is found: {report:?}");
    }

    // What is refused is a value, and may be named.
    let folder = tempfile::tempdir_in(desk.path()).unwrap();
    let own = request(r#"{"do":"storage.get","key":"k"}"#);
    let without = said("Err(CapabilityError::Denied(\"the capability 'storage' is not granted\"))");
    let files = [
        ("request.json", own.as_str()),
        ("expected.json", "{}"),
        ("expected-without-storage.json", without.as_str()),
    ];
    let cases = case(folder.path(), &files);
    let report = run(&probe, &cases, &Wishes::default()).await;
    assert_good(&report);
    assert!(
        report.uncovered().any(|name| name == "log") && !report.uncovered().any(|name| name == "storage")
    );

    // A crash is found, also one that only a refusal brings about.
    let evil = fs::read(guest("evil-launcher")).unwrap();
    let folder = tempfile::tempdir_in(desk.path()).unwrap();
    let cases =
        case(folder.path(), &[("request.json", &request(r#"{"evil":"panic"}"#)), ("expected.json", "{}")]);
    let report = run(&evil, &cases, &Wishes::default()).await;
    assert!(report.failed().all(|case| case.faults[0].starts_with("it broke: ")), "{report:?}");
    assert!(report.failed().count() >= 2, "as it stands, and without a capability: {report:?}");
}

/// The example of the guide in Python passes the cases of the one in Rust, and is installed and used like it.
#[test]
fn an_importer_in_python_passes_the_cases_of_the_one_in_rust() {
    let ostler = World::new();
    let tools =
        PathBuf::from(std::env::var_os("OSTLER_TEST_TOOLS").expect("OSTLER_TEST_TOOLS names the tools"));
    let desk = tempfile::tempdir().unwrap();
    let project = root().join("sdk/python/importer-hosts");
    let wit = root().join("plugin-api/wit");
    let built = desk.path().join("app.wasm");
    let modules = tools.join("componentize");
    let output = Command::new(modules.join("bin/componentize-py"))
        .env("PYTHONPATH", &modules)
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .arg("-d")
        .arg(wit.join("types-0.1.0"))
        .arg("-d")
        .arg(wit.join("importer-0.1.0"))
        .args(["-w", "ostler:importer/importer-plugin", "componentize", "app", "--stub-wasi", "-o"])
        .arg(&built)
        .current_dir(&project)
        .output()
        .unwrap();
    assert!(output.status.success(), "componentize-py: {}", String::from_utf8_lossy(&output.stderr));
    let (component, manifest) = (built.to_str().unwrap(), project.join("plugin.toml"));
    let out = desk.path().to_str().unwrap();
    let pack =
        ["plugin", "pack", "--component", component, "--manifest", manifest.to_str().unwrap(), "--out", out];
    ostler.ok(&pack);
    let packed = desk.path().join("example.importer-hosts-python-0.1.0.wasm");
    let packed = packed.to_str().unwrap();
    let cases = root().join("sdk/template/importer/cases");
    let cases = cases.to_str().unwrap();
    for component in [packed, example("importer-hosts").to_str().unwrap()] {
        ostler.ok(&["plugin", "test", "--component", component, "--cases", cases, "--hostile"]);
    }
    ostler.ok(&["plugin", "install", packed]);
    ostler.file("list.hosts", "#hosts\nweb.example 22\nmail.example\n");
    ostler.ok(&["import", "list.hosts", "--plugin", "example.importer-hosts-python"]);
    assert_eq!(ostler.ok(&["tree"]).stdout, "web.example  ssh web.example:22\n");
}
