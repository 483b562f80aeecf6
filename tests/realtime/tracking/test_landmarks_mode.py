"""How closely a face is looked at is the user's choice."""

from mien.config.choices import LandmarksMode
from mien.session.options import usual_options
from mien.tracking.landmark_fit import default_networks


def test_each_mode_runs_its_own_network_and_quick_is_the_usual_one() -> None:
    assert usual_options().landmarks is LandmarksMode.QUICK
    assert "facemesh_468" in default_networks().providers
    assert "facemesh_478" in default_networks(landmarks=LandmarksMode.FINE).providers
    assert usual_options(landmarks=LandmarksMode.FINE).landmarks is LandmarksMode.FINE
