//! Whether two campaigns were measured on machines whose absolute figures mean the same.

use bench_core::record::machine::Machine;
use schemars::JsonSchema;
use serde::Serialize;
use std::fmt;

/// A property of a machine that changes what a client's own code costs: figures of machines that
/// differ in one cannot be compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, JsonSchema, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Property {
    /// The model of the processor.
    Cpu,
    /// Its architecture.
    Architecture,
    /// The kernel's release.
    Kernel,
    /// The hypervisor, or that there is none.
    Virtualisation,
}

impl Property {
    const ALL: [Self; 4] = [Self::Cpu, Self::Architecture, Self::Kernel, Self::Virtualisation];

    /// Its value, if it is known.
    fn of(self, machine: &Machine) -> Option<String> {
        let known = |text: &String| (!text.is_empty()).then(|| text.clone());
        match self {
            Self::Cpu => machine.cpu_model.as_ref().and_then(known),
            Self::Architecture => known(&machine.architecture),
            Self::Kernel => known(&machine.kernel),
            Self::Virtualisation => machine.virtualisation().map(|found| found.to_string()),
        }
    }
}

impl fmt::Display for Property {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Cpu => "CPU",
            Self::Architecture => "architecture",
            Self::Kernel => "kernel",
            Self::Virtualisation => "virtualisation",
        })
    }
}

/// A property in which the machines of two campaigns differ.
#[derive(Debug, Clone, PartialEq, Eq, JsonSchema, Serialize)]
pub struct Differing {
    /// The property.
    pub what: Property,
    /// Its value in A.
    pub a: String,
    /// Its value in B.
    pub b: String,
}

impl fmt::Display for Differing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} and {}", self.what, self.a, self.b)
    }
}

/// The properties in which two machines differ, with their values; the host's name is none of
/// them. What is unknown on one side is no difference.
#[must_use]
pub fn differing(a: &Machine, b: &Machine) -> Vec<Differing> {
    let differ = |property: Property, of_a: &String, of_b: &String| match property {
        Property::Virtualisation => {
            a.virtualisation().zip(b.virtualisation()).is_some_and(|(a, b)| a.differs(b))
        }
        _ => of_a != of_b,
    };
    let difference = |what: Property| {
        let (of_a, of_b) = what.of(a).zip(what.of(b))?;
        differ(what, &of_a, &of_b).then_some(Differing { what, a: of_a, b: of_b })
    };
    Property::ALL.into_iter().filter_map(difference).collect()
}

/// `CPU, kernel and virtualisation`
#[derive(Debug, Clone, Copy)]
pub struct Named<'a>(pub &'a [Property]);

impl fmt::Display for Named<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<String> = self.0.iter().map(ToString::to_string).collect();
        match names.split_last() {
            Some((last, [])) => f.write_str(last),
            Some((last, others)) => write!(f, "{} and {last}", others.join(", ")),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bench_core::record::machine::Virtualisation;

    fn machine() -> Machine {
        Machine {
            host: "a".into(),
            kernel: "6.18.44".into(),
            architecture: "x86_64".into(),
            cpu_model: Some("EPYC".into()),
            cpu_flags: vec!["hypervisor".into()],
            ..Machine::default()
        }
    }

    fn properties(a: &Machine, b: &Machine) -> Vec<Property> {
        differing(a, b).into_iter().map(|difference| difference.what).collect()
    }

    #[test]
    fn processor_kernel_and_virtualisation_matter_and_the_hosts_name_does_not() {
        let a = machine();
        assert!(differing(&a, &Machine { host: "b".into(), ..machine() }).is_empty());
        let kernel = Machine { kernel: "6.18.45".into(), ..machine() };
        assert_eq!(properties(&a, &kernel), [Property::Kernel], "on the same host");
        let other =
            Machine { cpu_model: Some("Xeon".into()), cpu_flags: vec!["fpu".into()], ..kernel };
        let found = properties(&a, &other);
        assert_eq!(found, [Property::Cpu, Property::Kernel, Property::Virtualisation]);
        assert_eq!(Named(&found).to_string(), "CPU, kernel and virtualisation");
        assert_eq!(Named(&found[..1]).to_string(), "CPU");
    }

    #[test]
    fn what_one_side_does_not_know_is_no_difference() {
        let unknown =
            Machine { cpu_model: None, kernel: String::new(), cpu_flags: Vec::new(), ..machine() };
        assert!(differing(&machine(), &unknown).is_empty());
        // The flag tells that there is a hypervisor, and not which.
        let kvm = Machine { virtualisation: Some(Virtualisation::Kvm), ..machine() };
        assert!(differing(&machine(), &kvm).is_empty());
        let xen = Machine { virtualisation: Some(Virtualisation::Xen), ..machine() };
        let found = differing(&kvm, &xen);
        assert_eq!(found[0].to_string(), "virtualisation KVM and Xen");
    }
}
