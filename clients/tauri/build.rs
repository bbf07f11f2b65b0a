//! Declares the app's command, so that its page, which comes from loopback, may be allowed to
//! call it (`capabilities/page.json`).

fn main() {
    let commands = tauri_build::AppManifest::new().commands(&["open"]);
    let built = tauri_build::try_build(tauri_build::Attributes::new().app_manifest(commands));
    if let Err(error) = built {
        println!("cargo::error={error:#}");
    }
}
