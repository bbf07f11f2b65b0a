//! Workloads by name, by file, or by group: a group stands for all of its members.

use crate::load::file;
use crate::load::replay::ReplayNews;
use crate::load::workload::Workload;
use anyhow::{Result, bail};
use std::path::Path;

/// Loads workloads by their names, the paths of their files, or the names of their
/// groups. A group stands for all workloads of the suite with that `group`, those with the
/// fewest connections first.
///
/// # Errors
/// When a name is unknown, a workload is named twice, or a file is invalid.
pub fn load(root: &Path, names: &[&str]) -> Result<Vec<Workload>> {
    load_with_news(root, names, &mut |_| {})
}

/// The same; `news` gets what is to be said while recordings are read.
///
/// # Errors
/// As [`load`].
pub fn load_with_news(
    root: &Path,
    names: &[&str],
    news: &mut dyn FnMut(&ReplayNews),
) -> Result<Vec<Workload>> {
    let mut all: Vec<Workload> = Vec::new();
    let files = file::names(&root.join("harness/workloads"));
    for &name in names {
        let is_group = !name.ends_with(".toml") && !files.iter().any(|file| file == name);
        let members = if is_group { members(root, &files, name)? } else { Vec::new() };
        let found = if members.is_empty() { vec![name.to_owned()] } else { members };
        for name in found {
            let workload = Workload::load_with_news(root, &name, news)?;
            if all.iter().any(|other| other.name == workload.name) {
                bail!("workload `{}` is named twice", workload.name);
            }
            all.push(workload);
        }
    }
    Ok(all)
}

/// The names of its members, whose recordings are not read for that.
fn members(root: &Path, files: &[String], group: &str) -> Result<Vec<String>> {
    let mut members = Vec::new();
    for name in files {
        let (workload, _) = Workload::without_recording(root, name)?;
        if workload.group.as_deref() == Some(group) {
            members.push((workload.connections * workload.clients, name.clone()));
        }
    }
    members.sort_by_key(|(connections, _)| *connections);
    Ok(members.into_iter().map(|(_, name)| name).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn root() -> std::path::PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
    }

    #[test]
    fn a_group_stands_for_all_of_its_members_in_order() {
        let all = load(&root(), &["steady", "fan-out"]).unwrap();
        let names: Vec<&str> = all.iter().map(|workload| workload.name.as_str()).collect();
        assert_eq!(names, ["steady", "fan-out-1", "fan-out-10", "fan-out-100", "fan-out-1000"]);
        assert_eq!(all[4].connections, 1000);
        // They can be compared only if nothing but the number of connections differs.
        for member in &all[2..] {
            let alike = Workload {
                name: all[1].name.clone(),
                why: all[1].why.clone(),
                connections: 1,
                ..member.clone()
            };
            assert_eq!(alike, all[1]);
        }
    }

    #[test]
    fn a_member_that_is_named_beside_its_group_is_an_error() {
        let error = load(&root(), &["fan-out-10", "fan-out"]).unwrap_err().to_string();
        assert_eq!(error, "workload `fan-out-10` is named twice");
        let error = load(&root(), &["fan-outs"]).unwrap_err().to_string();
        assert!(error.contains("no workload `fan-outs`"), "{error}");
    }

    #[test]
    fn every_shipped_member_is_found_by_the_name_of_its_group() {
        for name in file::names(&root().join("harness/workloads")) {
            let Some(group) = Workload::load(&root(), &name).unwrap().group else { continue };
            let all = load(&root(), &[&group]).unwrap();
            assert!(all.iter().any(|workload| workload.name == name), "{name} of {group}");
        }
    }
}
