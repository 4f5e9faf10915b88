"""The comparison itself: what it must find, and what it must not let pass."""

import json
import sys
import tomllib
import unittest
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.dont_write_bytecode = True
sys.path.insert(0, str(HERE))

from compare import Difference, Intended, differences, intentions, judge

TABLE = tomllib.loads((HERE / "intended.toml").read_text())
REFERENCE = {"vpc": {"CidrBlock": "10.0.0.0/16", "Dns": True}, "groups": {"app": {"in": ["tcp 80-80 lb"]}}}
DNS = Intended("vpc.Dns", "false", "a test")


def changed(**parts: object) -> dict:
    return json.loads(json.dumps(REFERENCE)) | parts


class Comparing(unittest.TestCase):
    def test_the_same_has_no_differences(self) -> None:
        self.assertEqual(differences(REFERENCE, changed()), [])

    def test_each_field_that_differs_is_named_with_both_values(self) -> None:
        ours = changed(vpc={"CidrBlock": "10.0.0.0/16", "Dns": False})
        self.assertEqual(differences(REFERENCE, ours), [Difference("vpc.Dns", "true", "false")])

    def test_what_one_side_lacks_is_absent(self) -> None:
        ours = changed(vpc={"CidrBlock": "10.0.0.0/16", "Tenancy": "default"})
        found = [("vpc.Dns", "true", "absent"), ("vpc.Tenancy", "absent", "default")]
        self.assertEqual(differences(REFERENCE, ours), [Difference(*one) for one in found])

    def test_members_of_a_list_are_compared_whatever_their_order(self) -> None:
        reference, ours = {"in": ["a", "b"]}, {"in": ["b", "c", "a"]}
        self.assertEqual(differences(reference, ours), [Difference("in[c]", "absent", "present")])

    def test_a_member_that_is_there_twice_is_not_there_once(self) -> None:
        self.assertEqual(differences({"in": ["a"]}, {"in": ["a", "a"]}), [Difference("in[a]", "present", "2 times")])


class Judging(unittest.TestCase):
    def test_an_unknown_difference_fails(self) -> None:
        found = differences(REFERENCE, changed(vpc={"CidrBlock": "10.9.0.0/16", "Dns": False}))
        unknown, stale = judge(found, [DNS])
        self.assertEqual(([one.path for one in unknown], stale), (["vpc.CidrBlock"], []))

    def test_an_intended_one_with_another_value_fails_twice(self) -> None:
        found = [Difference("vpc.Dns", "true", "absent")]
        self.assertEqual(judge(found, [DNS]), (found, [DNS]))

    def test_an_entry_that_no_longer_occurs_fails(self) -> None:
        self.assertEqual(judge([], [DNS]), ([], [DNS]))

    def test_a_table_is_an_entry_for_each_of_its_fields(self) -> None:
        table = {"vpc.Dns": ["false", "a test"], "endpoint": {"why": "another", "Type": "Gateway"}}
        self.assertEqual(intentions(table), [DNS, Intended("endpoint.Type", "Gateway", "another")])

    def test_a_star_stands_for_anything_and_nothing_else_does(self) -> None:
        entry = Intended("subnets.private-*.CidrBlock", "10.0.1*", "a test")
        self.assertTrue(entry.covers(Difference("subnets.private-a.CidrBlock", "10.0.48.0/20", "10.0.128.0/20")))
        for path, ours in [("subnets.public-a.CidrBlock", "10.0.128.0/20"), ("subnets.private-a.CidrBlock", "10.9.128.0/20")]:
            self.assertFalse(entry.covers(Difference(path, "10.0.48.0/20", ours)))
        brackets = Intended("in[a.c]", "present", "a test")
        self.assertFalse(brackets.covers(Difference("in[abc]", "absent", "present")))


class Files(unittest.TestCase):
    def test_every_intended_difference_says_our_value_and_why(self) -> None:
        for entry in intentions(TABLE):
            for text in (entry.path, entry.ours, entry.why):
                self.assertTrue(isinstance(text, str) and text, entry)

    def test_no_entry_covers_whatever_a_list_holds(self) -> None:
        self.assertEqual([entry.path for entry in intentions(TABLE) if "[*]" in entry.path], [])

    def test_an_unencrypted_root_volume_and_a_range_out_of_place_are_not_intended(self) -> None:
        volume = json.dumps({"DeviceName": "/dev/xvda", "Ebs": {"DeleteOnTermination": True, "Encrypted": False, "VolumeType": "gp3"}})
        for path, ours in [
            (f"launch_template.BlockDeviceMappings[{volume}]", "present"),
            ("subnets.private-a.CidrBlock", "10.0.144.0/20"),
            ("auto_scaling_group.EnabledMetrics[of nobody]", "present"),
        ]:
            found = [Difference(path, "absent", ours)]
            self.assertEqual(judge(found, intentions(TABLE))[0], found)

    def test_the_reference_was_recorded_whole_and_in_order(self) -> None:
        text = (HERE / "reference.json").read_text()
        reference = json.loads(text)
        self.assertEqual(text, json.dumps(reference, indent=1, sort_keys=True) + "\n")
        self.assertEqual([key for key, value in reference.items() if not value], [])
        self.assertEqual([target["Target"] for target in reference["instances"]["each"].values()], ["healthy"] * 3)


if __name__ == "__main__":
    unittest.main()
