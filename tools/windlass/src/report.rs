//! What a stack came to, in words: its outputs, or what is wrong with it.

use std::fmt::Write;

use windlass_engine::Status;

use crate::progress;

/// The outputs, aligned. Their names are those of `status.json`.
pub(crate) fn outputs(status: &Status) -> String {
    let outputs = &status.outputs;
    let groups = &outputs.security_group_ids;
    let rows: [(&str, String); 12] = [
        ("alb_dns_name", outputs.alb_dns_name.clone()),
        ("alb_arn", outputs.alb_arn.clone()),
        ("target_group_arn", outputs.target_group_arn.clone()),
        ("listener_arn", outputs.listener_arn.clone()),
        ("asg_name", outputs.asg_name.clone()),
        ("launch_template_id", outputs.launch_template_id.clone()),
        ("vpc_id", outputs.vpc_id.clone()),
        ("public_subnet_ids", outputs.public_subnet_ids.join(" ")),
        ("private_subnet_ids", outputs.private_subnet_ids.join(" ")),
        ("nat_gateway_ids", outputs.nat_gateway_ids.join(" ")),
        (
            "security_group_ids",
            format!(
                "load_balancer {} instances {}",
                groups.load_balancer, groups.instances
            ),
        ),
        ("instance_ids", outputs.instance_ids.join(" ")),
    ];
    let mut text = format!("Outputs of {}\n", status.stack);
    for (name, value) in rows {
        // Writing to a string does not fail.
        let _ = writeln!(text, "  {name:18}  {value}");
    }
    text
}

/// Every error with its place and hint, and every instance that is not healthy.
pub(crate) fn problems(status: &Status) -> String {
    let mut text = format!("{} is {:?}\n", status.stack, status.phase);
    for line in status.errors.iter().flat_map(progress::error) {
        let _ = writeln!(text, "{line}");
    }
    for instance in &status.unhealthy_instances {
        let (id, cause, remedy) = (&instance.instance, &instance.cause, &instance.remedy);
        let _ = writeln!(text, "  unhealthy {id}: {cause}\n           hint: {remedy}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::progress::tests::failing;

    #[test]
    fn problems_have_their_place_and_hint() {
        insta::assert_snapshot!(problems(&failing()));
    }
}
