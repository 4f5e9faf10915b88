//! What AWS counts, and against which quota instances do (rule 65).

/// Something that AWS counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Counted {
    /// In people's words.
    pub(super) what: &'static str,
    /// Service code of Service Quotas.
    pub(super) service: &'static str,
    /// Quota code.
    pub(super) code: &'static str,
    /// What a Region of an account starts with.
    pub(super) default: u64,
}

pub(super) const fn counted(
    what: &'static str,
    service: &'static str,
    code: &'static str,
    default: u64,
) -> Counted {
    Counted {
        what,
        service,
        code,
        default,
    }
}

/// The quota that running on-demand instances of a family count against.
pub(super) fn processors(instance_type: &str) -> Counted {
    let family = instance_type.split('.').next().unwrap_or_default();
    let letters: String = family.chars().take_while(char::is_ascii_lowercase).collect();
    let (what, code) = match letters.as_str() {
        "f" => ("vCPUs of running F instances", "L-74FC7D96"),
        "g" | "gr" | "vt" => ("vCPUs of running G and VT instances", "L-DB2E81BA"),
        "p" => ("vCPUs of running P instances", "L-417A185B"),
        "inf" => ("vCPUs of running Inf instances", "L-1945791B"),
        "trn" => ("vCPUs of running Trn instances", "L-2C3B7624"),
        "dl" => ("vCPUs of running DL instances", "L-6E869C2A"),
        "hpc" => ("vCPUs of running HPC instances", "L-F7808C92"),
        "u" => ("vCPUs of running High Memory instances", "L-43DA4232"),
        "x" => ("vCPUs of running X instances", "L-7295265B"),
        _ => (
            "vCPUs of running Standard (A, C, D, H, I, M, R, T, Z) instances",
            "L-1216C47A",
        ),
    };
    counted(what, "ec2", code, 5)
}

/// The quota that spot instances of a family count against, in vCPUs; `None` of one whose generations have quotas of their
/// own, or that is not offered so.
pub(super) fn spot_processors(instance_type: &str) -> Option<Counted> {
    let (what, code, default) = match processors(instance_type).code {
        "L-1216C47A" => (
            "vCPUs of Standard (A, C, D, H, I, M, R, T, Z) spot instances",
            "L-34B43A08",
            5,
        ),
        "L-74FC7D96" => ("vCPUs of F spot instances", "L-88CF9481", 0),
        "L-DB2E81BA" => ("vCPUs of G and VT spot instances", "L-3819A6DF", 0),
        "L-1945791B" => ("vCPUs of Inf spot instances", "L-B5D1601B", 0),
        "L-6E869C2A" => ("vCPUs of DL spot instances", "L-85EED4F7", 0),
        "L-7295265B" => ("vCPUs of X spot instances", "L-E3A00192", 0),
        _ => return None,
    };
    Some(counted(what, "ec2", code, default))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn families_count_against_their_own_quotas() {
        for (kind, code) in [
            ("t3.micro", "L-1216C47A"),
            ("m7g.large", "L-1216C47A"),
            ("g5.xlarge", "L-DB2E81BA"),
            ("inf2.xlarge", "L-1945791B"),
            ("i4i.large", "L-1216C47A"),
            ("p5.48xlarge", "L-417A185B"),
            ("x2gd.medium", "L-7295265B"),
            ("u-6tb1.metal", "L-43DA4232"),
            ("dl1.24xlarge", "L-6E869C2A"),
            ("d3.xlarge", "L-1216C47A"),
        ] {
            assert_eq!(processors(kind).code, code, "{kind}");
        }
    }

    #[test]
    fn spot_instances_count_against_quotas_of_their_own() {
        for (kind, code) in [
            ("t3.micro", Some("L-34B43A08")),
            ("g5.xlarge", Some("L-3819A6DF")),
            ("x2gd.medium", Some("L-E3A00192")),
            ("p5.48xlarge", None),
        ] {
            assert_eq!(spot_processors(kind).map(|of| of.code), code, "{kind}");
        }
    }
}
