"""Networks of others by path: layouts, refusals, and that nothing is ever unpickled."""

from __future__ import annotations

import os

import pytest
import torch
from safetensors.torch import save_file
from torch import nn
from torch.nn import functional as F

from kadi_battgen.errors import UserError
from kadi_battgen.networks.alexnet import CHANNELS, AlexNetMaps, load_alexnet, lpips_weights
from kadi_battgen.networks.inception import InceptionV3, load_inception
from kadi_battgen.networks.weight_files import load_scripted, read_weights


class Trap:
    """Creates a file when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


class TestReadWeights:
    @pytest.mark.parametrize("ending", ["safetensors", "pth"])
    def test_both_formats(self, ending, tmp_path):
        path, state = tmp_path / f"weights.{ending}", {"a.weight": torch.arange(6.0).reshape(2, 3)}
        save_file(state, path) if ending == "safetensors" else torch.save(state, path)
        assert torch.equal(read_weights(path)["a.weight"], state["a.weight"])

    @pytest.mark.parametrize("ending", ["safetensors", "pth"])
    @pytest.mark.parametrize("content", [b"", b"text"])
    def test_broken(self, ending, content, tmp_path):
        path = tmp_path / f"weights.{ending}"
        path.write_bytes(content)
        with pytest.raises(UserError, match="broken or holds more than tensors"):
            read_weights(path)

    def test_a_trap_does_not_spring(self, tmp_path):
        torch.save({"a": Trap(tmp_path / "sprung")}, tmp_path / "trap.pth")
        with pytest.raises(UserError, match="holds more than tensors"):
            read_weights(tmp_path / "trap.pth")
        assert not (tmp_path / "sprung").exists()

    @pytest.mark.parametrize("content", [{"epoch": 3}, torch.zeros(2), [torch.zeros(2)]])
    def test_what_is_no_state_dictionary(self, content, tmp_path):
        torch.save(content, tmp_path / "other.pth")
        with pytest.raises(UserError, match="no state dictionary"):
            read_weights(tmp_path / "other.pth")


class TestScripted:
    def test_a_network_that_makes_vectors(self, tmp_path):
        network = nn.Sequential(nn.Conv2d(3, 5, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten())
        torch.jit.trace(network, torch.zeros(1, 3, 128, 128)).save(str(tmp_path / "net.pt"))
        images = torch.rand(2, 3, 64, 64)
        torch.testing.assert_close(load_scripted(tmp_path / "net.pt")(images), network(images))

    def test_one_that_makes_images(self, tmp_path):
        torch.jit.trace(nn.Conv2d(3, 5, 3), torch.zeros(1, 3, 128, 128)).save(str(tmp_path / "net.pt"))
        with pytest.raises(UserError, match=r"makes \(2, 5, 126, 126\) .* not one vector for each image"):
            load_scripted(tmp_path / "net.pt")

    def test_what_is_none(self, tmp_path):
        torch.save({"a": torch.zeros(2)}, tmp_path / "state.pth")
        with pytest.raises(UserError, match="no TorchScript network"):
            load_scripted(tmp_path / "state.pth")


class TestInception:
    @pytest.fixture(scope="class")
    def network(self, one_thread):
        torch.manual_seed(0)
        return InceptionV3().eval()

    def test_it_has_the_published_size(self, network):
        """21,785,568 weights without a classifier, as torchvision's inception_v3; 94 convolutions."""
        own = {name: p for name, p in network.named_parameters() if not name.startswith("fc.")}
        assert sum(p.numel() for p in own.values()) == 21_785_568
        assert sum(name.endswith("conv.weight") for name in own) == 94
        assert network.fc.weight.shape == (1008, 2048)

    @pytest.mark.parametrize(
        ("name", "shape"),
        [
            ("Conv2d_1a_3x3.conv.weight", (32, 3, 3, 3)),
            ("Mixed_5b.branch5x5_2.conv.weight", (64, 48, 5, 5)),
            ("Mixed_5d.branch_pool.conv.weight", (64, 288, 1, 1)),
            ("Mixed_6a.branch3x3.conv.weight", (384, 288, 3, 3)),
            ("Mixed_6c.branch7x7dbl_2.conv.weight", (160, 160, 7, 1)),
            ("Mixed_6c.branch7x7_2.bn.running_var", (160,)),
            ("Mixed_7a.branch7x7x3_4.conv.weight", (192, 192, 3, 3)),
            ("Mixed_7c.branch3x3dbl_3b.conv.weight", (384, 384, 3, 1)),
        ],
    )
    def test_names_are_those_of_the_known_files(self, network, name, shape):
        assert tuple(network.state_dict()[name].shape) == shape

    def test_sizes_along_the_way_are_those_of_the_paper(self, network):
        """Table 1 of Szegedy et al. 2016: 35 x 35 x 288, 17 x 17 x 768, 8 x 8 x 2048."""
        shapes = {}
        hooks = [
            network.get_submodule(name).register_forward_hook(
                lambda _, __, out, name=name: shapes.update({name: tuple(out.shape[1:])})
            )
            for name in ("Conv2d_1a_3x3", "Mixed_5b", "Mixed_5d", "Mixed_6e", "Mixed_7c")
        ]
        with torch.no_grad():
            assert network(torch.rand(1, 3, 64, 64)).shape == (1, 2048)
        for hook in hooks:
            hook.remove()
        assert shapes == {
            "Conv2d_1a_3x3": (32, 149, 149),
            "Mixed_5b": (256, 35, 35),
            "Mixed_5d": (288, 35, 35),
            "Mixed_6e": (768, 17, 17),
            "Mixed_7c": (2048, 8, 8),
        }

    def test_average_pooling_leaves_out_the_padding_and_the_last_block_takes_the_maximum(self, network):
        ones = torch.ones(1, 4, 5, 5)
        assert torch.equal(network.Mixed_6b._pool(ones), ones)
        peak = torch.zeros(1, 1, 5, 5)
        peak[0, 0, 2, 2] = 9.0
        assert network.Mixed_7b._pool(peak).max() == 1
        assert network.Mixed_7c._pool(peak).sum() == 81

    def test_a_file_of_its_layout_loads_without_counters_and_classifier_s_extras(self, network, tmp_path):
        state = {name: t for name, t in network.state_dict().items() if not name.endswith("num_batches_tracked")}
        save_file({**state, "AuxLogits.fc.bias": torch.zeros(3)}, tmp_path / "inception.safetensors")
        again = load_inception(tmp_path / "inception.safetensors")
        assert not again.training
        assert torch.equal(again.Mixed_7c.branch1x1.conv.weight, network.Mixed_7c.branch1x1.conv.weight)
        del state["Mixed_6b.branch1x1.conv.weight"]
        save_file(state, tmp_path / "other.safetensors")
        with pytest.raises(UserError, match=r"InceptionV3 \(first difference: Mixed_6b.branch1x1.conv.weight\)"):
            load_inception(tmp_path / "other.safetensors")


class TestAlexNet:
    def test_it_is_the_known_sequence_of_layers(self, one_thread):
        torch.manual_seed(0)
        network, images = AlexNetMaps(), torch.rand(2, 3, 64, 64)
        weights = network.state_dict()
        x = (2 * images - 1 - torch.tensor([-0.030, -0.088, -0.188])[:, None, None]) / torch.tensor(
            [0.458, 0.448, 0.450]
        )[:, None, None]
        expected = []
        for position, stride, padding, pooled in (
            (0, 4, 2, 0),
            (3, 1, 2, 1),
            (6, 1, 1, 1),
            (8, 1, 1, 0),
            (10, 1, 1, 0),
        ):
            x = F.max_pool2d(x, 3, 2) if pooled else x
            name = f"features.{position}"
            x = F.relu(F.conv2d(x, weights[f"{name}.weight"], weights[f"{name}.bias"], stride, padding))
            expected.append(x)
        for ours, wanted in zip(network.maps(images), expected, strict=True):
            torch.testing.assert_close(ours, wanted)
        # 2,469,696 weights before the classifier, as torchvision's alexnet.
        assert sum(p.numel() for p in network.parameters()) == 2_469_696

    def test_a_file_of_its_layout_loads(self, tmp_path):
        state = {**AlexNetMaps().state_dict(), "classifier.6.bias": torch.zeros(1000)}
        torch.save(state, tmp_path / "alexnet.pth")
        assert torch.equal(load_alexnet(tmp_path / "alexnet.pth").features["0"].weight, state["features.0.weight"])
        torch.save({**state, "features.0.weight": torch.zeros(1)}, tmp_path / "other.pth")
        with pytest.raises(UserError, match=r"features\.0\.weight"):
            load_alexnet(tmp_path / "other.pth")

    def test_the_channel_weights_are_those_of_lpips(self, tmp_path):
        weights = lpips_weights()
        assert [len(w) for w in weights] == list(CHANNELS)
        # The linear layers of LPIPS were kept from going negative in their training.
        assert all((w >= 0).all() and w.max() > 0 for w in weights)
        save_file({"lin0.model.1.weight": torch.zeros(1, 3, 1, 1)}, tmp_path / "other.safetensors")
        with pytest.raises(UserError, match="no linear layers of LPIPS"):
            lpips_weights(tmp_path / "other.safetensors")
