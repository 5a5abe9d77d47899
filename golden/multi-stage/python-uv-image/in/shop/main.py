from fastapi import FastAPI

app = FastAPI()


@app.get("/")
def shelf() -> dict[str, int]:
    return {"apples": 3}
