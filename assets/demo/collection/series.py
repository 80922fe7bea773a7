"""Models for time series and tables."""

from assets.demo.exhibits import Revision, exhibit
from assets.demo.formats import notebooks, pictures
from assets.demo.recipes import numbers

_SENSORS = ("inlet_mpa", "outlet_mpa", "flow_m3h", "bearing_c", "motor_c", "vibration_radial", "vibration_axial", "current_a")
_SHELF = ("weekday", "price", "promotion", "lag_1", "lag_7", "lag_14")


def _quickstart() -> dict[str, bytes]:
    cells = [
        ("markdown", "# 观象 时序 Base 快速开始\n\n用前 30 天预测后 4 天的负荷。"),
        ("code", "import pandas as pd\n\ngrid = pd.read_csv('grid.csv', parse_dates=['measured_at'])\nprint(grid.shape)", "(4320, 4)"),
        (
            "code",
            "history = grid[grid.station == '云岭一站'].set_index('measured_at').load_mw\nprint(history.tail(3))",
            "measured_at\n2025-03-01 21:00:00    168.42\n2025-03-01 22:00:00    161.07\n2025-03-01 23:00:00    154.93\nName: load_mw, dtype: float64",
        ),
        ("markdown", "分位数区间越宽，表示模型越不确定：\n\n$$ P(q_{0.1} \\le y \\le q_{0.9}) \\approx 0.8 $$"),
        (
            "code",
            "from guanxiang import Forecaster\n\nbands = Forecaster('hezhiyuan/Guanxiang-TS-Base').predict(history, ahead=96)\nbands.plot()",
        ),
    ]
    return {"notebooks/quickstart.ipynb": notebooks.encode(cells), "notebooks/loss.png": pictures.curve("guanxiang", 1.1, 0.36)}


EXHIBITS = (
    exhibit(
        "model", "hezhiyuan/Guanxiang-TS-Base", lambda: numbers.forecaster("guanxiang"), by="hezhiyuan", day=99, downloads=630, tag="v1.0.0",
        more=(Revision("添加快速开始笔记本", "hezhiyuan", 32, _quickstart),),
    ),
    exhibit("model", "linwz/Load-Forecast-h24", lambda: numbers.forecaster("load-h24", hidden=64, layers=3, context=336, ahead=24), by="linwz", day=24, public=False),
    exhibit("model", "yunling/Pump-Anomaly", lambda: numbers.tabular("pump", _SENSORS, 8, width=256, encoder=True), by="hezhiyuan", day=45, downloads=74),
    exhibit("model", "hezhiyuan/Shelf-Demand-MLP", lambda: numbers.tabular("shelf", _SHELF, 1, width=192), by="hezhiyuan", day=28, downloads=58),
)  # fmt: skip
