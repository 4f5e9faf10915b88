"""Images: the public parameters moto lacks (Ubuntu), one that is somebody's own, and all made when asked for, not a thousand at start."""

from typing import Any

from moto.utilities.utils import load_resource
from moto.ec2.models.amis import AMIS, Ami, AmiBackend
from moto.ec2.models.instances import Instance
from moto.ssm.models import Parameter, ParameterDict

UBUNTU = "/aws/service/canonical/ubuntu/server/24.04/stable/current/{}/hvm/ebs-gp3/ami-id"
UBUNTU_IMAGES = {"amd64": ("ami-0aba70240a4d06400", "x86_64"), "arm64": ("ami-0aba70240a46a6400", "arm64")}
#: The image of `events/specs/own-image.yaml`, which no parameter names.
OWN_IMAGE = "ami-0abcdef1234567890"
# A mapping without a size or a snapshot of its own takes the image's: AWS's Linux images have 8 GiB.
IMAGE_GIB = 8

_catalogues: dict[str, dict[str, dict[str, Any]]] = {}


def apply() -> None:
    describe, check_loaded = AmiBackend.describe_images, ParameterDict._check_loading_status

    def describe_images(self: Any, ami_ids: Any = None, filters: Any = None, *rest: Any, **more: Any) -> Any:
        _materialise(self, ami_ids or (filters or {}).get("image-id"))
        return describe(self, ami_ids, filters, *rest, **more)

    def check_loading_status(self: Any, key: str) -> None:
        check_loaded(self, key)
        if str(key or "").startswith("/aws/service/canonical") and not getattr(self, "windlass_ubuntu", False):
            self.windlass_ubuntu = True
            _add_ubuntu_parameters(self)

    add_block_device = Instance.add_block_device

    def sized_by_its_image(self: Any, size: Any, *rest: Any, **more: Any) -> None:
        add_block_device(self, size or IMAGE_GIB, *rest, **more)

    Instance.add_block_device = sized_by_its_image  # type: ignore[method-assign]
    AmiBackend._load_amis = lambda self: None  # type: ignore[method-assign]
    AmiBackend.describe_images = describe_images  # type: ignore[method-assign]
    ParameterDict._check_loading_status = check_loading_status  # type: ignore[method-assign]


def _materialise(backend: Any, wanted: list[str] | None) -> None:
    catalogue = _catalogue(backend.region_name)
    for image in catalogue if wanted is None else wanted:
        if image in catalogue and image not in backend.amis and image not in backend.deleted_amis:
            backend.amis[image] = Ami(backend, **catalogue[image])


def _catalogue(region: str) -> dict[str, dict[str, Any]]:
    if region not in _catalogues:
        known = [*AMIS, *_ubuntu_images(), _own_image()]
        for path in ("latest_amis", "ecs/optimized_amis"):
            try:
                known += load_resource(f"ec2/resources/{path}/{region}.json")
            except FileNotFoundError:  # moto has no list for this Region
                continue
        # moto's lists carry dates as text, its model wants them parsed or absent.
        _catalogues[region] = {
            image["ami_id"]: {**image, "owner_alias": "amazon", "creation_date": None} for image in known
        }
    return _catalogues[region]


def _ubuntu_images() -> list[dict[str, Any]]:
    return [
        {
            "ami_id": image,
            "name": f"ubuntu/images/hvm-ssd-gp3/ubuntu-noble-24.04-{label}-server-20260101",
            "owner_id": "099720109477",
            "description": f"Canonical, Ubuntu, 24.04, {label} noble image",
            "architecture": architecture,
            "virtualization_type": "hvm",
            "root_device_name": "/dev/sda1",
            "root_device_type": "ebs",
            "state": "available",
            "public": True,
        }
        for label, (image, architecture) in UBUNTU_IMAGES.items()
    ]


def _own_image() -> dict[str, Any]:
    return {
        "ami_id": OWN_IMAGE,
        "name": "shop",
        "owner_id": "123456789012",
        "description": "An image with an application in it",
        "architecture": "x86_64",
        "virtualization_type": "hvm",
        "root_device_name": "/dev/xvda",
        "root_device_type": "ebs",
        "state": "available",
        "public": False,
    }


def _add_ubuntu_parameters(parameters: Any) -> None:
    for label, (image, _) in UBUNTU_IMAGES.items():
        name = UBUNTU.format(label)
        parameter = Parameter(
            account_id=parameters.account_id,
            name=name,
            value=image,
            parameter_type="String",
            description=None,
            allowed_pattern=None,
            keyid=None,
            last_modified_date=1767225600.0,
            version=1,
            data_type="aws:ec2:image",
        )
        dict.setdefault(parameters, name, []).append(parameter)
