//! The subnet layout: sixteen equal blocks of the VPC's range, public zone *i* in block *i*, private zone *i* in
//! block 8 + *i*. A zone that is added takes blocks nobody used, so nothing ever moves (rule 45).

use ipnet::Ipv4Net;

/// Block of the first private subnet.
const PRIVATE: usize = 8;
/// Bits that number the sixteen blocks.
const BITS: u8 = 4;

/// Range of the public subnet of the zone at this place in the order of choice.
#[must_use]
pub(crate) fn public(vpc: Ipv4Net, zone: u8) -> String {
    block(vpc, usize::from(zone))
}

/// Range of the private subnet of the zone at this place in the order of choice.
#[must_use]
pub(crate) fn private(vpc: Ipv4Net, zone: u8) -> String {
    block(vpc, PRIVATE + usize::from(zone))
}

fn block(vpc: Ipv4Net, number: usize) -> String {
    let blocks = vpc.subnets(vpc.prefix_len() + BITS).ok();
    blocks
        .and_then(|mut blocks| blocks.nth(number))
        .map_or_else(String::new, |block| block.to_string())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn subnets_of_six_zones_lie_in_the_vpc_and_never_overlap(prefix in 16u8..=23, second in 0u8..=255) {
            let vpc: Ipv4Net = Ipv4Net::new([10, second, 0, 0].into(), prefix).unwrap();
            let all: Vec<Ipv4Net> = (0..6)
                .flat_map(|zone| [public(vpc, zone), private(vpc, zone)])
                .map(|cidr| cidr.parse().unwrap())
                .collect();
            for (index, one) in all.iter().enumerate() {
                prop_assert!(vpc.contains(one));
                prop_assert!(one.prefix_len() <= 27, "an ALB subnet is /27 or larger (rule 41)");
                for other in &all[index + 1..] {
                    prop_assert!(!one.contains(other) && !other.contains(one));
                }
            }
        }
    }

    #[test]
    fn the_layout_of_a_zone_does_not_depend_on_how_many_there_are() {
        let vpc = "10.0.0.0/16".parse().unwrap();
        assert_eq!(public(vpc, 0), "10.0.0.0/20");
        assert_eq!(public(vpc, 2), "10.0.32.0/20");
        assert_eq!(private(vpc, 0), "10.0.128.0/20");
        assert_eq!(private(vpc, 5), "10.0.208.0/20");
    }
}
